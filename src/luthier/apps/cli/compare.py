"""`luthier compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import (
    STORAGE,
    AsJson,
    CostOf,
    Framework,
    Group,
    Metric,
    MinDifference,
    Quiet,
    Storage,
    Target,
    Task,
    Time,
    Weight,
)


def compare(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="FILE.py:FUNCTION or a family, a recipe.yaml, a file of predictions (CSV with "
            "prediction or probability_LABEL), or logs of runs: a folder or a pattern in quotes.",
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA", help="What both learn from; for predictions, a table with the truth."
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="How networks are trained.  [default: a sound recipe]"),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=2, help="Trainings of each, at most; fewer if they tell enough.")
    ] = 5,
    target: Target = None,
    task: Task = None,
    metric: Metric = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    min_difference: MinDifference = None,
    cost: CostOf = "parameters",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="HTML page to write, with the plot.")
    ] = None,
    storage: Storage = STORAGE,
    framework: Framework = None,
    engine: Annotated[str, typer.Option(help="auto, native, compiled or torch_eager.")] = "auto",
    seed: Annotated[int, typer.Option(help="Of the split; trainings take those after it.")] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say whether A is really better than B, by how much, and at which cost.

    Nothing is tuned. What is to be trained is trained with several seeds, and judged on test rows.

    Example: luthier compare small.py:build large.py:build --data digits
    """
    from luthier.apps.cli.output import say, say_json, tell
    from luthier.loop.comparing.compare import compare as compare_two

    found = compare_two(
        a,
        b,
        data,
        recipe=recipe,
        seeds=seeds,
        target=target,
        task=task,
        metric=metric,
        sample_weight=weight,
        group=group,
        time=time,
        min_difference=min_difference,
        cost=cost,
        storage=storage,
        seed=seed,
        engine=engine,
        framework=framework,
        notify=lambda text: tell(f"training {text}", quiet=quiet or as_json),
    )
    if out is not None:
        found.report(out)
    if as_json:
        say_json(found.to_json())
    else:
        say(str(found), quiet=quiet)
        if out is not None:
            say(f"written   {out}", quiet=quiet)
    raise typer.Exit(0 if found.verdict is not None else 1)
