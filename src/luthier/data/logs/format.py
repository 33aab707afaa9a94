"""What a format of logs is, and what is read from one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.core import Curves

# A row holds what was logged at one moment; what was not logged then is not in it. Values are
# numbers, or texts where the file holds texts.
Row = Mapping[str, Any]
Rows = Sequence[Row]


@dataclass(frozen=True)
class Format:
    """A kind of log.

    Args:
        name: Its name.
        what: What a message calls it.
        knows: Tells from a path, and a look into it, whether this is one.
        rows: Reads one.
        about: Says in words what of a path is read; empty where that is all.
    """

    name: str
    what: str
    knows: Callable[[Path], bool]
    rows: Callable[[Path], Rows]
    about: Callable[[Path], str] = lambda path: ""


@dataclass(frozen=True)
class Log:
    """A log that was read.

    Args:
        curves: One value an epoch, or one a logged point.
        notes: What was guessed, in sentences.
        facts: What rules should know: ``adversarial``.
    """

    curves: Curves
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def beginning(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a file; none of a folder."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(size)


def is_text(path: Path) -> bool:
    """Tell whether a file begins like a text."""
    start = beginning(path)
    if not start or b"\0" in start:
        return False
    try:
        start.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4  # a letter that was cut in two
    return True
