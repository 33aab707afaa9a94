"""Targets with a class at each position: tokens of a sequence, pixels of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import IGNORED, DataError
from luthier.data.target import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

MOST = 100_000  # classes: more than any table of tokens that is trained on one machine has


def has_positions(y: Array, task: str | None) -> bool:
    """Tell whether targets are a class at each position, and not some numbers a row.

    Three dimensions or more are. Two are where they hold `IGNORED`, or where the user says that
    they are classes: whole numbers of shape (rows, length) may as well be amounts.

    >>> has_positions(np.zeros((9, 4, 4), int), None), has_positions(np.zeros((9, 4), int), None)
    (True, False)
    >>> has_positions(np.array([[1, 0], [1, -100]]), None)
    True
    """
    if task == "regression" or y.dtype.kind not in "biuf" or y.ndim < 2:
        return False
    if y.ndim > 2:
        return True
    return y.shape[1] > 1 and (task == "classification" or bool((y == IGNORED).any()))


def inspect_positions(y: Array) -> tuple[tuple[int, ...], Target]:
    """Return the shape of a row's positions, and the classes.

    Values are class numbers from 0 on, as `torch.nn.CrossEntropyLoss` takes them: one that never
    occurs is a class, too. Where there are but two values, such as 0 and 255, they are two classes.

    Args:
        y: Whole numbers of shape (rows, length), (rows, high, wide) or more; an axis of one channel
            is taken out.

    Raises:
        DataError: for targets that are no such numbers.

    >>> inspect_positions(np.array([[[0, 2], [1, -100]]]))[1].classes
    ('0', '1', '2')
    """
    shape = _shape(y)
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (np.round(y) == y).all()):
        raise DataError(
            f"targets of shape {y.shape} are no class labels: they hold values that are no whole "
            "numbers. A target with a value at each position is the number of a class there. Give "
            "those, or task='regression' with numbers of shape (rows, outputs)."
        )
    values = np.unique(y).astype(np.int64)
    known = values[values != IGNORED]
    if len(known) < 2:
        raise DataError(
            f"targets of shape {y.shape} have {len(known)} class: {known.tolist()}. A classifier "
            f"needs at least two, beside {IGNORED}, which counts nothing. Check how they were made."
        )
    if len(known) == 2:
        return shape, _found(shape, tuple(str(value) for value in known), ())
    if known[0] < 0 or known[-1] >= MOST:
        raise DataError(
            f"targets of shape {y.shape} reach from {known[0]} to {known[-1]}. With more than two "
            f"classes their values are numbers from 0 on, below {MOST:,}, and {IGNORED} where "
            "nothing counts. Number the classes so."
        )
    classes = tuple(str(number) for number in range(int(known[-1]) + 1))
    absent = sorted(set(range(int(known[-1]) + 1)) - set(known.tolist()))
    return shape, _found(shape, classes, tuple(absent))


def _shape(y: Array) -> tuple[int, ...]:
    """Return the shape of a row without an axis of one channel, second or last."""
    row = y.shape[1:]
    if len(row) == 3 and row[0] == 1:
        return row[1:]
    return row[:-1] if len(row) == 3 and row[-1] == 1 else row


def _found(shape: tuple[int, ...], classes: tuple[str, ...], absent: tuple[int, ...]) -> Target:
    sizes = " x ".join(map(str, shape))
    notes = [
        f"targets are one of {len(classes)} classes at each of {sizes} positions; rows are split "
        "at random, as those of several classes cannot be stratified."
    ]
    if absent:
        shown = ", ".join(map(str, absent[:5])) + (", ..." if len(absent) > 5 else "")
        notes.append(f"{len(absent)} of the class numbers never occur: {shown}.")
    return Target("classification", classes, tuple(notes))
