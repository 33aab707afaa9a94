"""`luthier train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import (
    AsJson,
    Data,
    Engine,
    Framework,
    Group,
    Metric,
    Model,
    Quiet,
    Target,
    Task,
    Time,
    Weight,
)


def train(
    data: Data,
    recipe: Annotated[Path, typer.Option(metavar="FILE", help="What to train.")],
    seed: Annotated[
        int | None, typer.Option(help="Of the training.  [default: the recipe's run, else 0]")
    ] = None,
    target: Target = None,
    model: Model = None,
    framework: Framework = None,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    engine: Engine = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train one recipe once, and print its curves' end and its validation scores.

    A recipe that `luthier tune --out` wrote says how it was trained: the same score comes back.

    Example: luthier train digits --recipe out/digits/recipe.yaml
    """
    from luthier.apps.cli.output import say, say_json
    from luthier.engines.devices import engine_on
    from luthier.loop.handing_over.retrain import retrain
    from luthier.report.diagnosis import diagnosis_text
    from luthier.report.training import training_json, training_text

    options = {
        "target": target,
        "task": task,
        "metric": metric,
        "weight": weight,
        "group": group,
        "time": time,
    }
    engine = engine_on(device, engine, framework or "torch", many=False)
    found = retrain(
        data, recipe, model=model, seed=seed, engine=engine, framework=framework, options=options
    )
    training, reported, diagnosis = found.training, found.reported, found.diagnosis
    goal = (training.parts.arrays.task.metric, training.parts.arrays.task.direction)
    if as_json:
        say_json(training_json(training.trial, goal, reported, diagnosis))
    else:
        say(training_text(training.trial, goal, reported), quiet=quiet)
        say("\n" + diagnosis_text(diagnosis), quiet=quiet)
    raise typer.Exit(1 if training.score is None else 0)
