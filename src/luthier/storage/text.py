"""JSON text of stored values: compact, valid for every reader, and exact for NaN and infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

# JSON has no NaN and no infinity, and PostgreSQL refuses Python's way of writing them.
_MARK = "$float"


def to_text(value: Any) -> str:
    """Return plain data as JSON text.

    >>> to_text({"val_loss": float("nan"), "metrics": {"accuracy": 0.5}})
    '{"val_loss":{"$float":"nan"},"metrics":{"accuracy":0.5}}'
    """
    try:
        return _dump(value)
    except ValueError:  # rare, so only then is the value walked through
        return _dump(_marked(value))


def from_text(text: str) -> Any:
    """Return what `to_text` was given, with lists for tuples.

    >>> from_text('[1,{"$float":"-inf"}]')
    [1, -inf]
    """
    return json.loads(text, object_hook=_unmarked if _MARK in text else None)


# NumPy's float32 is no float; what else has no JSON form has no number either, and raises.
_dump = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=float).encode


def _marked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _marked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    number = float(value)
    return number if math.isfinite(number) else {_MARK: repr(number)}


def _unmarked(data: dict[str, Any]) -> Any:
    return float(data[_MARK]) if data.keys() == {_MARK} else data
