"""JSON: a dict of lists (a Keras history), a list of rows, or Hugging Face's trainer_state.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.core import DataError
from luthier.data.logs.format import Format, Rows, beginning, is_text


def knows(path: Path) -> bool:
    """Tell whether a file is one JSON value."""
    if not is_text(path) or beginning(path).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError:
        return path.suffix.lower() == ".json" and not _lines(path)
    return True


def rows(path: Path) -> Rows:
    """Return what was logged."""
    try:
        return rows_of_json(json.loads(path.read_text(encoding="utf-8-sig")), str(path))
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} is broken off or no JSON ({error}). A log is a dict of lists, or a list of "
            "rows. Write it again, or give another file."
        ) from error


def rows_of_json(value: Any, what: str) -> Rows:
    """Return the rows of a value: lists side by side, rows, or rows below one of its keys.

    >>> rows_of_json({"loss": [1.0, 0.5], "epoch": [0, 1]}, "it")
    [{'loss': 1.0, 'epoch': 0}, {'loss': 0.5, 'epoch': 1}]
    """
    if isinstance(value, Mapping):
        for key in ("log_history", "history", "curves", "logs", "epochs"):
            if isinstance(value.get(key), (Mapping, list)) and value[key]:
                if key == "epochs" and not isinstance(value[key][0], Mapping):
                    continue
                return rows_of_json(value[key], what)
        lists = {
            f"{k}/{name}" if isinstance(v, Mapping) else str(k): series
            for k, v in value.items()
            for name, series in (v.items() if isinstance(v, Mapping) else [(k, v)])
            if _is_list(series)
        }
        if lists:
            return side_by_side(lists)
        if value and all(isinstance(one, (int, float)) for one in value.values()):
            return [value]
    elif _is_list(value) and value and all(isinstance(one, Mapping) for one in value):
        return [_flat(one) for one in value if "train_runtime" not in one]
    raise DataError(
        f"{what} holds no curves. A log is a dict of lists such as "
        '{"loss": [1.2, 0.9], "val_loss": [1.3, 1.1]}, or a list of rows. Write one of them.'
    )


def side_by_side(lists: Mapping[str, Sequence[Any]]) -> Rows:
    """Return rows from lists; a list that is shorter was not logged at the end."""
    length = max(len(one) for one in lists.values())
    found: list[dict[str, Any]] = []
    for i in range(length):
        found.append({k: v[i] for k, v in lists.items() if i < len(v) and v[i] is not None})
    return found


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Return a row without rows inside it: their names are joined by a slash."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            inner = "" if key in ("metrics", "signals") else f"{before}{key}/"
            found.update(_flat(value, inner))
        elif value is not None:
            found[f"{before}{key}"] = value
    return found


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value)


def _lines(path: Path) -> bool:
    first = beginning(path).splitlines()[:1]
    try:
        return isinstance(json.loads(first[0]), Mapping) if first else False
    except ValueError:
        return False


JSON = Format("json", "JSON (a Keras history, a Hugging Face trainer_state.json)", knows, rows)
