"""What commands print, and where to."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.core import History

LINE_EVERY = 5.0  # seconds between plain lines, where no terminal can show a live view
REDRAW_EVERY = 0.25


def say(text: str, *, quiet: bool = False) -> None:
    """Print a text on stdout, unless quiet."""
    if not quiet:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def tell(text: str, *, quiet: bool = False) -> None:
    """Say on stderr what is going on, unless quiet."""
    if not quiet:
        sys.stderr.write(text + "\n")


def say_json(data: Any) -> None:
    """Print data as JSON on stdout."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def watching(title: str, *, quiet: bool) -> Iterator[Callable[[History], None]]:
    """Show a search while it runs: live on a terminal, else a line every few seconds.

    Progress goes to stderr, so that stdout holds results alone.
    """
    from rich.console import Console
    from rich.live import Live

    from luthier.report.live import line, view

    console = Console(stderr=True)
    if quiet:
        yield lambda history: None
    elif console.is_terminal:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            yield _seldom(lambda history: live.update(view(title, history)), REDRAW_EVERY)
    else:
        began = time.monotonic()  # a search of a few seconds needs no line
        show = partial(console.out, highlight=False)
        yield _seldom(lambda history: show(line(history)), LINE_EVERY, began)


def _seldom(
    show: Callable[[History], None], every: float, last_time: float = -math.inf
) -> Callable[[History], None]:
    last = [last_time]

    def notify(history: History) -> None:
        if time.monotonic() - last[0] >= every:
            last[0] = time.monotonic()
            show(history)

    return notify
