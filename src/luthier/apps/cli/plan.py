"""`luthier plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import (
    STORAGE,
    AsJson,
    Data,
    Engine,
    Framework,
    Group,
    Metric,
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


def plan(
    data: Data,
    target: Target = None,
    model: Model = None,
    framework: Framework = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Full trainings in all, those for seeds included.")
    ] = 12,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for recipe, weights and train.py.")
    ] = None,
    recipe: RecipeFile = None,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    storage: Storage = STORAGE,
    study: Annotated[
        str | None, typer.Option(help="Name of the study.  [default: from data and model]")
    ] = None,
    engine: Engine = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Tune a large network with few trials: say what they are spent on, then do it.

    Eight rates for some hundred steps, stability at twice the best, then whole trainings, the
    rate first. The same command goes on where it was stopped.

    Example: luthier plan digits --trials 12 --dry-run
    """
    import sys

    from luthier.apps.cli.output import say, say_json, watching
    from luthier.loop.handing_over.folder import check_folder
    from luthier.loop.planning import plan as planned
    from luthier.report.text import summary_text

    if out is not None:
        check_folder(out)
    found = planned(
        model,
        data,
        trials=trials,
        recipe=recipe,
        storage=storage,
        study=study,
        seed=seed,
        target=target,
        task=task,
        metric=metric,
        sample_weight=weight,
        group=group,
        time=time,
        engine=engine,
        framework=framework,
    )
    if not as_json:
        say(f"{found}\n", quiet=quiet)
    if dry_run:
        if as_json:
            say_json(found.to_json())
        raise typer.Exit(0)

    def tell(line: str) -> None:
        if not (quiet or as_json):
            sys.stderr.write(f"    {line}\n")

    with watching(f"luthier plan {data}", quiet=quiet or as_json) as notify:
        done = found.run(notify=notify, say=tell)
    summary = done.summary
    if out is not None and summary.best is not None:
        done.export(out)
    if as_json:
        say_json({**done.to_json(), "plan": found.to_json()})
    else:
        say(summary_text(summary), quiet=quiet)
    raise typer.Exit(0 if summary.best is not None else 1)
