"""`luthier batch`."""

from __future__ import annotations

from pathlib import Path
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


def batch(
    data: Data,
    target: Target = None,
    model: Model = None,
    recipe: RecipeFile = None,
    scores: Annotated[
        bool, typer.Option(help="Train the sizes that come into question, rates tuned anew.")
    ] = True,
    seeds: Annotated[int, typer.Option(min=1, help="As for lr, for each of those sizes.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to write the recipe with the chosen size."),
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
    """Choose the batch size for speed, and show the score of each with its rate tuned anew.

    Momentum and regularisers are stale for another size: --out FILE, and the last line says how to
    tune them.

    Example: luthier batch digits --out batch.yaml
    """
    import sys

    from luthier.apps.cli.output import say, say_json
    from luthier.core import nothing
    from luthier.loop.batch import batch as find
    from luthier.loop.handing_over.recipes import save_recipe
    from luthier.report.batches import batches_json, batches_next, batches_text
    from luthier.report.rates import RunLines

    lines = RunLines(sys.stderr.write)
    found = find(
        model,
        data,
        recipe=recipe,
        scores=scores,
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
    if out is not None:
        save_recipe(out, found.recipe)
    if as_json:
        say_json(batches_json(found))
        return
    say(batches_text(found), quiet=quiet)
    say(batches_next(found, data, out), quiet=quiet)
