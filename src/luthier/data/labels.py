"""Texts as numbers: the levels of a column, the classes of a target. NumPy only.

This module is written into exported scripts as it stands, so it imports nothing of luthier.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def label_text(value: Any) -> str:
    """Return how a label is written: whole numbers without a point.

    >>> label_text(1.0), label_text(True), label_text("a")
    ('1', 'True', 'a')
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def coded(values: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    """Return the number of each value among the different ones, -1 where missing; and these.

    >>> coded(np.array(["b", "a", "b"]))
    (array([1, 0, 1]), ['a', 'b'])
    """
    if values.dtype.kind == "f":
        missing = np.isnan(values)
    elif values.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in values], bool)
        values = np.array([label_text(value) for value in values], str)
    else:
        missing = np.zeros(len(values), bool)
    different, found = np.unique(values[~missing], return_inverse=True)
    codes = np.full(len(values), -1, np.int64)
    codes[~missing] = found
    return codes, [label_text(value) for value in different]


def class_numbers(codes: NDArray[Any], levels: list[str], classes: list[str]) -> NDArray[Any]:
    """Return the class of each row, -1 for a label that is not among the classes.

    >>> class_numbers(np.array([0, 1, 2]), ["a", "b", "c"], ["c", "a"])
    array([ 1, -1,  0])
    """
    number = {label: index for index, label in enumerate(classes)}
    table = np.array([number.get(level, -1) for level in levels] + [-1], np.int64)
    result: NDArray[Any] = table[codes]
    return result


def keep_classes(raw: dict[str, Any]) -> dict[str, Any]:
    """Leave out the rows whose label belongs to no class that is learned."""
    target = raw["target"]
    if target is None or target.dtype.kind != "i" or target.ndim > 1 or (target >= 0).all():
        return raw
    keep = target >= 0
    return {k: v[keep] if isinstance(v, np.ndarray) else v for k, v in raw.items()}
