"""Logs in memory: a dict of lists, rows, a data frame, or an object with ``history``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sized
from typing import Any

from luthier.core import Curves, DataError
from luthier.data.logs.format import Rows
from luthier.data.logs.json_file import rows_of_json, side_by_side


def rows_of(source: Any) -> Rows:
    """Return the rows of an object.

    >>> rows_of(Curves(val_loss=(1.0, 0.5)))[1]
    {'val_loss': 0.5}
    """
    if isinstance(source, Curves):
        return rows_of_json(source.epochs(), "these curves")
    history = getattr(source, "history", None)
    if isinstance(history, Mapping):  # what `fit` of Keras returns
        return rows_of(history)
    if isinstance(source, Mapping):
        lists = {str(k): list(v) for k, v in source.items() if _is_series(v) and k != "log_history"}
        return side_by_side(lists) if lists else rows_of_json(source, "this dict")
    if isinstance(source, (list, tuple)):
        return rows_of_json(list(source), "this list")
    return _rows_of_frame(source)


def _rows_of_frame(source: Any) -> Rows:
    import narwhals as nw

    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"cannot read a log from {type(source).__name__}. A log is a path, a dict of lists, "
            "a data frame, or a Keras History. Give one of them."
        ) from error
    return side_by_side({name: _measured(frame[name].to_list()) for name in frame.columns})


def _measured(values: list[Any]) -> list[Any]:
    """Tell NaN from what was not logged: a frame writes NaN for both.

    What a number follows was not logged. At the end it is NaN if it lasts longer than any gap.
    """
    missing = [one is None or (isinstance(one, float) and math.isnan(one)) for one in values]
    gaps = [len(list(run)) if gone else 0 for gone, run in itertools.groupby(missing)]
    found = [None if gone else one for one, gone in zip(values, missing, strict=True)]
    last = gaps[-1] if gaps else 0
    if max(gaps[:-1], default=0) < last < len(values):
        found[-last:] = [math.nan] * last
    return found


def _is_series(value: Any) -> bool:
    return (
        isinstance(value, Sized) and not isinstance(value, (str, bytes, Mapping)) and len(value) > 0
    )
