"""`luthier tune`."""

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
    Limit,
    Metric,
    MinDifference,
    Model,
    Objective,
    Quiet,
    RecipeFile,
    Seed,
    Storage,
    Target,
    Task,
    Time,
    Weight,
)


def tune(
    data: Data,
    target: Target = None,
    model: Model = None,
    framework: Framework = None,
    budget: Annotated[
        str | None,
        typer.Option(help='"5m", "600 epochs" (over all trials), "50 trials".  [default: 1m]'),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Training epochs to spend, over all trials.")
    ] = None,
    length: Annotated[
        str | None,
        typer.Option(
            metavar="N|fit",
            help="Epochs of one training, all trials' alike; fit: as many as it takes to fit the "
            "training rows without regularisation. Another length than the study's: study NAME-N, "
            "which learns from it.  [default: 10 to 60, by rows and budget]",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Trials to start.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for recipe, weights and train.py.")
    ] = None,
    refit: Annotated[
        bool,
        typer.Option("--refit", help="With --out: also train it on training and validation rows."),
    ] = False,
    recipe: RecipeFile = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Ranges to search instead of the default; or the word nuisance: rate, momentum "
            "and regularisers alone, all else as the recipe has it.",
        ),
    ] = None,
    metric: Metric = None,
    task: Task = None,
    weight: Weight = None,
    group: Group = None,
    time: Time = None,
    storage: Storage = STORAGE,
    study: Annotated[
        str | None, typer.Option(help="Name of the study.  [default: from data and model]")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="What decides what to try next: freeze_thaw, halving, hyperband, tpe, pbt, "
            "random, sobol, grid, or optuna:SAMPLER."
        ),
    ] = "freeze_thaw",
    engine: Engine = "auto",
    device: Annotated[
        str, typer.Option(help="auto, cpu, or cuda: many trials side by side on a GPU.")
    ] = "auto",
    executor: Annotated[str, typer.Option(help="auto, local or processes.")] = "auto",
    workers: Annotated[
        int, typer.Option(min=1, help="Workers at a time, each on a core of its own.")
    ] = 1,
    seed: Seed = 0,
    baseline_tuned: Annotated[
        bool,
        typer.Option(
            "--baseline-tuned",
            help="Hold the winner against a baseline tuned with the same budget.",
        ),
    ] = False,
    feedback: Annotated[
        bool,
        typer.Option("--feedback", help="Diagnose trials as they train, and let ranges follow."),
    ] = False,
    min_difference: MinDifference = None,
    cost: CostOf = "parameters",
    limit: Limit = None,
    objective: Objective = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find a recipe that trains a network well on DATA, and hand it over.

    The same command goes on where it was stopped or killed. Ctrl-C once ends after the epoch
    and reports what is best so far; twice ends at once.

    Example: luthier tune digits --budget 1m --out out/digits
    """
    from luthier.apps.cli.output import say, say_json, watching
    from luthier.core import LuthierError
    from luthier.loop.handing_over.folder import check_folder
    from luthier.loop.tune import tune as tune_study

    limits = [
        *([budget] if budget else []),
        *([f"{epochs} epochs"] if epochs else []),
        *([f"{trials} trials"] if trials else []),
    ]
    if refit and out is None:
        raise LuthierError("--refit needs a folder to write the network to. Add --out DIR.")
    if out is not None:
        check_folder(out)
    with watching(f"luthier tune {data}", quiet=quiet or as_json) as notify:
        found = tune_study(
            model,
            data,
            budget=", ".join(limits) or "1m",
            length=length,
            target=target,
            task=task,
            metric=metric,
            recipe=recipe,
            space=space,
            sample_weight=weight,
            group=group,
            time=time,
            storage=storage,
            study=study,
            seed=seed,
            strategy=strategy,
            engine=engine,
            device=device,
            framework=framework,
            executor=executor,
            workers=workers,
            baseline_tuned=baseline_tuned,
            feedback=feedback,
            min_difference=min_difference,
            cost=cost,
            limits=limit,
            objectives=objective,
            notify=notify,
        )
    # Not before: while this would be imported, workers could have begun.
    from luthier.report.diagnosis import diagnosis_text
    from luthier.report.front import front_text
    from luthier.report.text import next_text, refit_text, summary_text

    summary = found.summary
    files = found.export(out, refit=refit) if out is not None and summary.best is not None else []
    if as_json:
        say_json(found.to_json())
    else:
        say(summary_text(summary), quiet=quiet)
        if summary.front is not None:
            say(f"\n{front_text(summary.front, found.record.space.baseline)}\n", quiet=quiet)
        if not found.diagnosis.healthy:
            say(f"\nThe winner's training:\n{diagnosis_text(found.diagnosis)}\n", quiet=quiet)
        if files:
            names = [file.name for file in files if file.parent == out]
            say(f"written   {out}: {', '.join(names)}", quiet=quiet)
            if found.summary.refit is not None:
                say(refit_text(str(out), found.summary.refit), quiet=quiet)
        say(next_text(data, found.name, str(out) if files else None), quiet=quiet)
    raise typer.Exit(0 if summary.best is not None else 1)
