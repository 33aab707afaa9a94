"""`luthier ask`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import (
    STORAGE,
    AsJson,
    CostOf,
    Data,
    Engine,
    Framework,
    Group,
    Metric,
    MinDifference,
    Model,
    Quiet,
    RecipeFile,
    Seed,
    Storage,
    Target,
    Task,
    Time,
    Weight,
)


def ask(
    data: Data,
    question: Annotated[
        str,
        typer.Argument(metavar="PARAMETER", help="A recipe key, or an argument of the builder."),
    ],
    values: Annotated[
        str, typer.Option(metavar="LIST", help="What to try, with commas: 0,0.2,0.5.")
    ],
    target: Target = None,
    model: Model = None,
    budget: Annotated[
        str, typer.Option(help='"5m", "600 epochs" in all; each value gets the same share.')
    ] = "1m",
    recipe: RecipeFile = None,
    space: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ranges of what is tuned for each value.")
    ] = None,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    storage: Storage = STORAGE,
    study: Annotated[
        str | None, typer.Option(help="Name of the study.  [default: of data, model and question]")
    ] = None,
    framework: Framework = None,
    engine: Engine = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Workers at a time.")] = 1,
    seed: Seed = 0,
    min_difference: MinDifference = None,
    cost: CostOf = "parameters",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Answer one question: which of these values of PARAMETER is best on DATA?

    Each value is tuned alike over what interacts with it; all else stays as in the recipe.

    Example: luthier ask digits dropout --values 0,0.2,0.5 --budget "900 epochs"
    """
    from luthier.apps.cli.output import say, say_json, watching
    from luthier.loop.handing_over.recipes import read_values
    from luthier.loop.question.ask import ask as ask_one

    parsed = read_values(values)
    with watching(f"luthier ask {data} {question}", quiet=quiet or as_json) as notify:
        found = ask_one(
            model,
            data,
            question=question,
            values=parsed,
            budget=budget,
            recipe=recipe,
            space=space,
            target=target,
            task=task,
            metric=metric,
            sample_weight=weight,
            group=group,
            time=time,
            min_difference=min_difference,
            cost=cost,
            storage=storage,
            study=study,
            seed=seed,
            engine=engine,
            framework=framework,
            workers=workers,
            notify=notify,
        )
    if as_json:
        say_json(found.to_json())
    else:
        say(str(found), quiet=quiet)
    raise typer.Exit(1 if found.value is None and found.found.winner is None else 0)
