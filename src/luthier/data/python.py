"""Data given as Python objects: arrays, data frames, torch data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import DataError
from luthier.data.dataset import Dataset
from luthier.data.frame import tidy
from luthier.data.matrices import from_arrays
from luthier.data.objects import as_array, as_frame, is_torch_data, torch_pair
from luthier.data.read import read
from luthier.data.tables import from_frame
from luthier.data.target import check_kind
from luthier.data.tf_data import is_tf_data, tf_pair

if TYPE_CHECKING:
    import polars as pl

_WEIGHT, _PART = "luthier: weight", "luthier: part"


def from_python(
    data: object,
    *,
    target: str | None = None,
    task: str | None = None,
    sample_weight: object = None,
) -> Dataset:
    """Bring Python objects into the neutral form.

    Args:
        data: ``(X, y)``; ``((X_train, y_train), (X_val, y_val))`` or with a third pair for test;
            a data frame of any library, with `target`; a torch ``Dataset`` or ``DataLoader`` or
            a ``tf.data.Dataset``, or a pair of them. A path or a bundled name is read.
        target: Column of a data frame to predict.
        task: ``classification`` or ``regression``; the target decides if left out.
        sample_weight: How much each row counts, for all rows or those of the training part.

    Raises:
        DataError: for objects that are none of these, or cannot be learned from.

    >>> X = np.arange(60.0).reshape(30, 2)
    >>> from_python((X, [0, 1, 2] * 10)).classes
    ('0', '1', '2')
    """
    check_kind(task)
    if isinstance(data, Dataset):
        return data
    if isinstance(data, (str, Path)):
        return read(data, target=target, task=task)
    frame = None if isinstance(data, (tuple, list)) else as_frame(data)
    if frame is not None:
        return _from_frames(frame, [frame.height], target, task, sample_weight)
    if target is not None:
        raise DataError(
            f"target is '{target}', but the data is no data frame. Only tables name their target. "
            "Leave target out, or give a data frame."
        )
    pairs = _pairs(data)
    frames = [as_frame(x) for x, _ in pairs]
    ys = [_labels(as_array(y)) for _, y in pairs]
    if all(frame is not None for frame in frames):
        return _from_pairs([f for f in frames if f is not None], ys, task, sample_weight)
    xs = [as_array(x) for x, _ in pairs]
    reading = {"reader": "python", "parts": [{"part": number} for number in range(len(pairs))]}
    return from_arrays(xs, ys, reading, "", task=task, weight=_weight(sample_weight))


def _labels(y: Any) -> Any:
    """Return the numbers of classes that are given as rows of a single 1, as Keras' users do."""
    if getattr(y, "ndim", 0) != 2 or y.shape[1] < 2 or y.dtype.kind not in "biuf":
        return y
    one_hot = ((y == 0) | (y == 1)).all() and (y.sum(1) == 1).all()
    return y.argmax(1) if one_hot else y


def _pairs(data: object) -> list[tuple[Any, Any]]:
    """Return (X, y) of each part."""
    if is_torch_data(data):
        return [torch_pair(data)]
    if is_tf_data(data):
        return [tf_pair(data)]
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        if all(is_torch_data(part) for part in data):
            return [torch_pair(part) for part in data]
        if all(is_tf_data(part) for part in data):
            return [tf_pair(part) for part in data]
        if all(isinstance(part, tuple) and len(part) == 2 for part in data):
            return [(x, y) for x, y in data]
        if len(data) == 2:
            return [(data[0], data[1])]
    size = f" of length {len(data)}" if isinstance(data, (tuple, list)) else ""
    raise DataError(
        f"data is a {type(data).__name__}{size}. It is (X, y), ((X_train, y_train), (X_val, "
        "y_val)) with a third pair for test, a data frame with target=, or a torch Dataset or "
        "DataLoader or a tf.data.Dataset, alone or two or three in a tuple. Give one of these."
    )


def _from_pairs(
    frames: list[pl.DataFrame], ys: list[Any], task: str | None, weight: object
) -> Dataset:
    """Put the targets of data frames into a column beside them."""
    import polars as pl

    name = "target" if "target" not in frames[0].columns else "luthier: target"
    for index, (frame, y) in enumerate(zip(frames, ys, strict=True)):
        if frame.height != len(y) or y.reshape(len(y), -1).shape[1] != 1:
            raise DataError(
                f"part {index + 1} of the data has {frame.height} rows of inputs and targets of "
                f"shape {y.shape}. Beside a data frame, y is one value a row. Check how they were "
                "cut, or give X as an array."
            )
        if frame.columns != frames[0].columns:
            raise DataError(
                f"part {index + 1} of the data has the columns {', '.join(frame.columns[:10])}, "
                f"the first {', '.join(frames[0].columns[:10])}. All parts need the same. "
                "Prepare them alike."
            )
    y = np.concatenate([y.reshape(len(y)) for y in ys])
    column = pl.Series(name, y.tolist() if y.dtype.kind in "OU" else y, strict=False)
    whole = pl.concat(frames, how="vertical_relaxed").with_columns(column)
    return _from_frames(whole, [frame.height for frame in frames], name, task, weight)


def _from_frames(
    frame: pl.DataFrame, rows: list[int], target: str | None, task: str | None, weight: object
) -> Dataset:
    """Add weights and given parts as columns, so that rows that are left out take theirs along."""
    import polars as pl

    roles: dict[str, str | None] = {"weight": None, "group": None, "time": None, "given": None}
    frame = tidy(frame, [], set())
    given = _weight(weight)
    if given is not None:
        if len(given) == rows[0] < frame.height:
            given = np.concatenate([given, np.ones(frame.height - len(given))])
        if len(given) != frame.height:
            raise DataError(
                f"sample_weight has {len(given)} values for {frame.height} rows. It needs one a "
                "row, or one for each row of the training part. Check how it was cut."
            )
        frame, roles["weight"] = frame.with_columns(pl.Series(_WEIGHT, given)), _WEIGHT
    if len(rows) > 1:
        parts = np.repeat(np.arange(len(rows)), rows)
        frame, roles["given"] = frame.with_columns(pl.Series(_PART, parts)), _PART
    return from_frame(frame, {"reader": "frame"}, "", target=target, task=task, roles=roles)


def _weight(weight: object) -> Any | None:
    return None if weight is None else np.array(as_array(weight), np.float64).reshape(-1)
