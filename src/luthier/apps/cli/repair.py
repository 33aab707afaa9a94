"""`luthier repair`."""

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
    Seed,
    Storage,
    Target,
    Task,
    Time,
    Weight,
)


def repair(
    data: Data,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What trains badly.  [default: a sound recipe]"),
    ] = None,
    model: Model = None,
    target: Target = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for recipe, network and train.py.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help='A limit beside the next two, such as "5m".')
    ] = None,
    find: Annotated[
        float, typer.Option(min=1.0, help="Trainings' worth of epochs that finding may cost.")
    ] = 12.0,
    seeds: Annotated[
        int, typer.Option(min=2, help="Trainings of before and after, at most, that prove it.")
    ] = 8,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    storage: Storage = STORAGE,
    study: Annotated[
        str | None, typer.Option(help="Name of the study.  [default: from data, model and recipe]")
    ] = None,
    framework: Framework = None,
    engine: Engine = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find out why a recipe trains badly on DATA, try what helps, and prove it with fresh seeds.

    What proves no gain is not changed. The same command goes on where it was stopped.
    Exit code 0: repaired, or nothing to repair. 1: a fault is left as it was.

    Example: luthier repair digits --model net.py:build --recipe recipe.yaml --out out/repaired
    """
    from luthier.apps.cli.output import say, say_json, watching
    from luthier.loop.handing_over.folder import check_folder
    from luthier.loop.repair.repair import repair as repair_recipe

    if out is not None:
        check_folder(out)
    with watching(f"luthier repair {data}", quiet=quiet or as_json) as notify:
        found = repair_recipe(
            model,
            data,
            recipe=recipe,
            budget=budget,
            target=target,
            task=task,
            metric=metric,
            sample_weight=weight,
            group=group,
            time=time,
            find=find,
            seeds=seeds,
            storage=storage,
            study=study,
            seed=seed,
            engine=engine,
            framework=framework,
            notify=notify,
        )
    files = found.export(out) if out is not None and found.trial.stored else []
    if as_json:
        say_json(found.to_json())
    else:
        say(str(found), quiet=quiet)
        if files:
            say(f"written   {out}: {', '.join(file.name for file in files)}", quiet=quiet)
    raise typer.Exit(0 if found.outcome in ("healthy", "repaired") else 1)
