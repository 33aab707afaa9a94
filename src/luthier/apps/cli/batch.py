"""`luthier batch`."""

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


def batch(
    data: Data,
    target: Target = None,
    model: Model = None,
    recipe: RecipeFile = None,
    scores: Annotated[
        bool, typer.Option(help="Train the sizes that come into question, rates tuned anew.")
    ] = True,
    seeds: Annotated[int, typer.Option(min=2, help="Of the trainings that decide.")] = 3,
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

    Example: luthier batch digits --no-scores
    """
    import sys

    from luthier.apps.cli.output import say, say_json
    from luthier.core import RateRun
    from luthier.loop.batch import batch as find
    from luthier.report.batches import batches_json, batches_text
    from luthier.report.rates import run_line

    def notify(name: str, run: RateRun) -> None:
        if not (quiet or as_json):
            sys.stderr.write(run_line(name, run) + "\n")

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
        notify=notify,
    )
    if as_json:
        say_json(batches_json(found))
    else:
        say(batches_text(found), quiet=quiet)
