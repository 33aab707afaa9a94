"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, Parquet, Arrow or NPZ file, a folder of class folders of images, or one "
        "of digits, breast_cancer, wine, iris, diabetes.",
    ),
]
Target = Annotated[str | None, typer.Option(help="Column to predict, for tables.")]
Task = Annotated[
    str | None, typer.Option(help="classification or regression, where the target misleads.")
]
Weight = Annotated[str | None, typer.Option(help="Column with the weight of each row.")]
Group = Annotated[
    str | None, typer.Option(help="Column whose equal values stay in one split (say, a patient).")
]
Time = Annotated[
    str | None, typer.Option(help="Column to split by in time: the latest rows are the test part.")
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE.py:FUNCTION",
        help="mlp, resnet, cnn, or your own function that returns a "
        "torch.nn.Module or keras.Model.  "
        "[default: cnn for images, else mlp]",
    ),
]
Framework = Annotated[
    str | None,
    typer.Option(
        help="torch or keras: whose networks a family makes; your own function tells.  "
        "[default: torch]",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(help="Metric that decides.  [default: log_loss, balanced if need be; or rmse]"),
]
Engine = Annotated[str, typer.Option(help="auto, native, compiled, torch_eager or keras_eager.")]
Seed = Annotated[int, typer.Option(help="Decides split, search and training.")]
Storage = Annotated[str, typer.Option(metavar="URL", help="Where studies are kept.")]
MinDifference = Annotated[
    float | None,
    typer.Option(metavar="SIZE", help="Smaller differences do not matter, in units of the metric."),
]
CostOf = Annotated[
    str,
    typer.Option(
        "--cost",
        metavar="NAME",
        help="What decides where they do not matter: parameters, latency or training_time.",
    ),
]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        help="The most that a network may cost: params=1e5, latency_ms=2 (one row, here), "
        "training_seconds=30; or what another metric has to reach: accuracy=0.9. Repeat it for "
        "several.",
    ),
]
Objective = Annotated[
    list[str] | None,
    typer.Option(
        "--objective",
        metavar="NAME",
        help="What to trade the metric against: parameters, latency_ms, training_seconds or "
        "another metric. Repeat it for several; the front is shown.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
RecipeFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Recipe to start from.")]

STORAGE = "sqlite:///luthier.db"
