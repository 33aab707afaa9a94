"""`luthier check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import AsJson, Data, Model, Quiet, Target, Task


def check(
    data: Data,
    model: Model = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="How it will be trained.  [default: a sound recipe]"),
    ] = None,
    target: Target = None,
    task: Task = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How many are planned.  [default: the recipe's]")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.0, help="That it may take; what does not fit is named.")
    ] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the network, and of the order of rows.")] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with a training before it begins.

    Exit code 0: nothing that makes the result worthless. 1: something that does.

    Example: luthier check digits --model net.py:build --epochs 20
    """
    from luthier.apps.cli.output import say, say_json
    from luthier.loop.check import check_recipe
    from luthier.report.diagnosis import diagnosis_text

    found = check_recipe(
        data,
        model=model,
        recipe=recipe,
        epochs=epochs,
        target=target,
        task=task,
        seconds=seconds,
        seed=seed,
    )
    if as_json:
        say_json(found.to_json())
    else:
        say(diagnosis_text(found), quiet=quiet)
    raise typer.Exit(1 if found.worst == "error" else 0)
