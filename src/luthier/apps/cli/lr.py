"""`luthier lr`."""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.apps.cli.options import (
    AsJson,
    Data,
    Engine,
    Group,
    Metric,
    Model,
    Quiet,
    RecipeFile,
    Seed,
    Target,
    Task,
    Time,
    Weight,
)


def lr(
    data: Data,
    target: Target = None,
    model: Model = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(help="Whose rates; several times for several.  [default: the recipe's]"),
    ] = None,
    recipe: RecipeFile = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of each rate about the best.  [default: 1 to 8, as half a minute allows]"
        ),
    ] = None,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    engine: Engine = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find a learning rate by short trainings: what is usable, what is unstable, what to take.

    Exit code 1: nothing learns, with the reason.

    Example: luthier lr digits --optimizer adamw --optimizer sgd
    """
    import sys

    from luthier.apps.cli.output import say, say_json
    from luthier.core import nothing
    from luthier.loop.lr import lr as find
    from luthier.report.rates import RunLines, rates_json, rates_text

    lines = RunLines(sys.stderr.write)
    found = find(
        model,
        data,
        optimizer=optimizer,
        recipe=recipe,
        seeds=seeds,
        seed=seed,
        target=target,
        task=task,
        metric=metric,
        sample_weight=weight,
        group=group,
        time=time,
        engine=engine,
        notify=nothing if quiet or as_json else lines,
    )
    lines.close()
    if as_json:
        say_json(rates_json(found))
    else:
        say(rates_text(found), quiet=quiet)
    raise typer.Exit(1 if all(one.suggested is None for one in found.optimizers) else 0)
