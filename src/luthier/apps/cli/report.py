"""`luthier report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import STORAGE, Quiet, Storage


def report(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="`luthier show` lists them; or what --out wrote.")
    ],
    storage: Storage = STORAGE,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="HTML file to write, or a folder for report.html.")
    ] = Path("report.html"),
    quiet: Quiet = False,
) -> None:
    """Write a study's whole story as one HTML file, which needs neither network nor server.

    It can be written while the study runs. Data is not read, so test scores stand only in the
    report that `luthier tune --out` writes.

    Example: luthier report digits-mlp --out report.html
    """
    from luthier.apps.cli.output import say
    from luthier.loop.show import open_study

    written = open_study(storage, study).report(out)
    say(f"written   {written}", quiet=quiet)
