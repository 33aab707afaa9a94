"""The server of the dashboard."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

import uvicorn

from luthier.apps.dashboard.guard import Guard
from luthier.apps.dashboard.site import site
from luthier.core import LuthierError, nothing
from luthier.loop.board import Board


def serve(
    board: Board,
    host: str = "127.0.0.1",
    port: int = 8400,
    *,
    path: str = "/",
    token: str | None = None,
    ready: Callable[[str], None] = nothing,
) -> None:
    """Serve the dashboard until Ctrl-C.

    Args:
        board: What it shows.
        host: Where to listen; beyond this machine a look takes the token, too.
        port: 0 takes any that is free.
        path: The page to begin with.
        token: What wishes must have; None draws one.
        ready: Called with the address of that page once it can be opened.

    Raises:
        LuthierError: where it cannot listen.
    """
    guard = Guard(token or secrets.token_urlsafe(24), host)
    try:
        listening = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise LuthierError(
            f"cannot listen on {host}:{port}: {error.strerror}. Name another port, or let one be "
            "chosen: --port 0"
        ) from error
    name = f"[{host}]" if ":" in host else host
    secret = "" if guard.open else f"?token={guard.token}"
    servers: list[uvicorn.Server] = []
    app = site(board, guard, lambda: servers[0].should_exit)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    servers.append(uvicorn.Server(config))
    ready(f"http://{name}:{listening.getsockname()[1]}{path}{secret}")
    try:
        servers[0].run(sockets=[listening])
    except KeyboardInterrupt:  # how uvicorn ends after Ctrl-C
        return


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
