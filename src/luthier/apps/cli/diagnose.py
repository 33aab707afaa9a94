"""`luthier diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import AsJson, Quiet


def diagnose(
    log: Annotated[
        str,
        typer.Argument(
            metavar="LOG",
            help="CSV (Keras' CSVLogger, Lightning's metrics.csv), JSON (a Keras history, Hugging "
            "Face's trainer_state.json), JSON lines, or TensorBoard's event files or folder.",
        ),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="OURS=THEIRS",
            help="Which column is what, say val_loss=validation/loss; again for each one.",
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="How it was trained: advice then has exact settings."),
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(
            min=2, help="Number of classes, for cross-entropy: the loss of guessing is known then."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="HTML page to write, with the curves.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what is wrong with a training, from its log.

    Exit code 0: nothing that makes the result worthless. 1: something that does.

    Example: luthier diagnose metrics.csv
    """
    from luthier.apps.cli.output import say, say_json
    from luthier.core import LuthierError, Task
    from luthier.loop.diagnose import diagnose as diagnose_log
    from luthier.report.diagnosis import diagnosis_text

    pairs = [one.partition("=") for one in columns or ()]
    for ours, equals, theirs in pairs:
        if not (ours and equals and theirs):
            raise LuthierError(
                f"--map {ours}{equals}{theirs} names no column. It takes our name and the "
                "column's, with = between them. Write --map val_loss=validation/loss."
            )
    mapped = {ours: theirs for ours, _, theirs in pairs}
    task = None if classes is None else Task("classification", "", "minimize", (), classes)
    found = diagnose_log(log, columns=mapped, task=task, recipe=recipe)
    if out is not None:
        from luthier.loop.diagnose import evidence_curves
        from luthier.loop.handing_over.report import write_diagnosis

        write_diagnosis(out, found, evidence_curves(log, mapped), title=Path(log).name)
    if as_json:
        say_json(found.to_json())
    else:
        say(diagnosis_text(found), quiet=quiet)
    raise typer.Exit(1 if found.worst == "error" else 0)
