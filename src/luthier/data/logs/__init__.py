"""Logs of trainings that others ran: one file a format, each to rows of named numbers.

To add one: a file with its `Format`, and an entry in `ALL`. The first that knows a file reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.core import DataError, did_you_mean
from luthier.data.logs.event_file import TENSORBOARD
from luthier.data.logs.folder import log_in
from luthier.data.logs.format import Format, Log, Rows
from luthier.data.logs.json_file import JSON
from luthier.data.logs.jsonl_file import JSONL
from luthier.data.logs.points import log_of
from luthier.data.logs.python_object import rows_of
from luthier.data.logs.table_file import TABLE

__all__ = ["ALL", "Format", "Log", "read_log"]

ALL: tuple[Format, ...] = (TENSORBOARD, JSON, JSONL, TABLE)


def read_log(source: Any, columns: Mapping[str, str] | None = None) -> Log:
    """Return the curves of a log, and what was guessed about it.

    Args:
        source: A path, or an object: a dict of lists, a data frame, a Keras ``History``.
        columns: What is what, where names mislead: ours to theirs.

    Raises:
        DataError: for what holds no curves; its text says what to give instead.

    >>> read_log({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}).curves.val_loss
    (1.1, 0.7)
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        inside = log_in(path)
        rows, about = _rows_of_file(inside or path)
        log = log_of(rows, columns or {}, str(inside or path))
        notes = [f"read {inside}"] * (inside is not None) + [about] * bool(about)
        return replace(log, notes=(*notes, *log.notes))
    return log_of(rows_of(source), columns or {}, f"this {type(source).__name__}")


def _rows_of_file(path: Path) -> tuple[Rows, str]:
    kinds = ", ".join(one.what for one in ALL)
    if not path.exists():
        beside = [str(p) for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            f"no log '{path}'.{did_you_mean(str(path), beside)} A log is {kinds}. "
            "Give the path of one."
        )
    if path.is_file() and not path.stat().st_size:
        raise DataError(f"{path} is empty. A log holds a line for each epoch. Give another file.")
    for one in ALL:
        if one.knows(path):
            return one.rows(path), one.about(path)
    raise DataError(
        f"{path} is no log that luthier can read. A log is {kinds}. Give the path of one."
    )
