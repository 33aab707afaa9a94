"""`luthier worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.apps.cli.options import STORAGE, AsJson, Quiet, Storage


def worker(
    study: Annotated[str, typer.Option(help="Name of the study; `luthier show` lists them.")],
    storage: Storage = STORAGE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Work on a study that `luthier tune` began, beside it, until its budget is spent.

    Data and builder are read from where that command had them. Ctrl-C once ends after the epoch,
    twice at once; the study loses nothing.

    Example: luthier worker --study digits-mlp
    """
    from luthier.apps.cli.output import say, say_json, watching
    from luthier.loop.working.join import join
    from luthier.report.share import share_text

    with watching(f"luthier worker --study {study}", quiet=quiet or as_json) as notify:
        share = join(study, storage, notify=notify)
    if as_json:
        say_json(share.to_json())
    else:
        say(share_text(share), quiet=quiet)
    raise typer.Exit(0 if share.history.best is not None else 1)
