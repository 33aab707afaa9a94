"""`luthier serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from luthier.apps.cli.options import STORAGE, Quiet, Storage


def serve(
    study: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="The page to begin with.  [default: all studies]"),
    ] = None,
    storage: Storage = STORAGE,
    host: Annotated[
        str, typer.Option(help="Where to listen. Beyond this machine a look takes the token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8400,
    token: Annotated[
        str | None,
        typer.Option(envvar="LUTHIER_TOKEN", help="For wishes and looks.  [default: drawn anew]"),
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show studies in a browser while they run: curves, findings, and buttons to stop and queue.

    Example: luthier serve digits-mlp
    """
    from luthier.apps.cli.output import say
    from luthier.core import MissingExtraError
    from luthier.loop.board import Board
    from luthier.report.html.live import address

    try:
        from luthier.apps import dashboard
    except ImportError as error:
        raise MissingExtraError(str(error.name), "dashboard", "luthier serve") from error

    def ready(where: str) -> None:
        say(f"serving   {where}   (Ctrl-C ends it; studies go on)", quiet=quiet)
        if browser:
            typer.launch(where)

    board = Board.of(storage)
    if study is not None:
        board.storage.record(study)  # an unknown study is told before anything is served
    path = "/" if study is None else address(study)
    dashboard.serve(board, host, port, path=path, token=token, ready=ready)
