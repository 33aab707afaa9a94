"""What rows look like as a network gets them: facts for the rules of a set-up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.core import IGNORED, DataFacts

Array = NDArray[Any]
_LOOKED = 256  # features that are held against the target one by one
_CLASSES = 1000  # more different whole numbers than that are no classes
_SMALL = 8  # validation rows with fewer than these tell no mean


def describe(
    inputs: Sequence[Array],
    target: Array,
    val: tuple[Sequence[Array], Array] | None = None,
) -> DataFacts:
    """Return facts of training rows, and of validation rows beside them.

    Args:
        inputs: One array an input of the network, rows first.
        target: Class numbers, shares or numbers.
        val: The same of the validation part.

    >>> x = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    >>> facts = describe([x], np.array([0, 1, 1]))
    >>> facts.constant_features, dict(facts.classes)
    ((1,), {'0': 1, '1': 2})
    """
    first = inputs[0]
    flat = first.reshape(len(first), -1) if first.ndim > 1 else first.reshape(-1, 1)
    numeric = flat.dtype.kind == "f" or first.dtype == np.uint8  # bytes are no words
    good = flat[np.isfinite(flat).all(axis=1)] if numeric else flat
    stds = good.astype(np.float64).std(axis=0) if numeric and len(good) > 1 else np.ones(0)
    means = np.abs(good.mean(axis=0)) if len(stds) else stds
    constant = stds <= 1e-9 * np.maximum(means, 1e-30)
    wide = stds[~constant] if len(stds) else stds
    classes = _classes(target)
    numbers = target.astype(np.float64)
    known, columns = numbers[np.isfinite(numbers)], _spreads(numbers)
    telling, share, values, other = _telling(good, target, classes) if len(good) == len(flat) else (
        None, 0.0, 0, 0.0
    )  # fmt: skip
    shared, repeated, rows = _twins(inputs, val)
    return DataFacts(
        rows=len(target),
        features=flat.shape[1] if numeric else 0,
        nonfinite_inputs=sum(_nonfinite(x) for x in inputs),
        nonfinite_targets=_nonfinite(target),
        constant_features=tuple(np.flatnonzero(constant).tolist()),
        low=float(good.min()) if numeric and good.size else 0.0,
        high=float(good.max()) if numeric and good.size else 0.0,
        narrowest=float(wide.min()) if len(wide) else 0.0,
        widest=float(wide.max()) if len(wide) else 0.0,
        classes=classes,
        target_low=float(known.min()) if known.size else 0.0,
        target_high=float(known.max()) if known.size else 0.0,
        target_mean=float(known.mean()) if known.size else 0.0,
        target_std=float(known.std()) if known.size else 0.0,
        target_narrowest=float(columns.min()) if columns.size > 1 else 0.0,
        target_widest=float(columns.max()) if columns.size > 1 else 0.0,
        target_is_input=first.shape == target.shape and bool(np.array_equal(first, target)),
        shared_rows=shared,
        repeated_rows=repeated,
        val_rows=rows,
        telling_feature=telling,
        telling_share=share,
        telling_values=values,
        other_share=other,
        shifts=_shifts(first, val[0][0]) if val is not None and numeric else {},
        beyond=_beyond(first, val[0][0]) if val is not None and numeric else 0.0,
        missing_classes=_missing(classes, val),
    )


def _nonfinite(values: Array) -> int:
    return int((~np.isfinite(values)).sum()) if values.dtype.kind == "f" else 0


def class_numbers(target: Array) -> Array | None:
    """Return the class of each row; None for targets that are numbers.

    >>> class_numbers(np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [1, 0]
    """
    if target.dtype.kind in "iub":
        plain = target.reshape(len(target), -1).astype(np.int64, copy=False)
        return plain[:, 0] if plain.shape[1] == 1 else None
    if not np.isfinite(target).all():
        return None
    zero_or_one = bool(((target == 0) | (target == 1)).all())
    if target.ndim == 2 and target.shape[1] > 1:
        return target.argmax(axis=1) if zero_or_one and (target.sum(axis=1) == 1).all() else None
    return target.reshape(-1).astype(np.int64) if zero_or_one else None


def _spreads(numbers: Array) -> Array:
    """Return the standard deviation of each column of targets that varies; none of one column."""
    if numbers.ndim != 2 or numbers.shape[1] < 2:
        return np.zeros(0)
    rows = numbers[np.isfinite(numbers).all(axis=1)]
    stds = rows.std(axis=0) if len(rows) > 1 else np.zeros(0)
    return np.asarray(stds[stds > 0])


def _classes(target: Array) -> dict[str, int]:
    """Count the classes of rows, or of their positions."""
    numbers = class_numbers(target)
    if numbers is None and target.ndim > 1 and target.dtype.kind in "iub":
        flat = target.reshape(-1).astype(np.int64, copy=False)
        numbers = flat[flat != IGNORED]
    if numbers is None:
        return {}
    names, counts = np.unique(numbers, return_counts=True)
    if len(names) > _CLASSES:
        return {}
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _telling(
    x: Array, target: Array, classes: dict[str, int]
) -> tuple[int | None, float, int, float]:
    """Return the feature that tells most of the target, how much, and how much the next one does.

    Of classes, a feature tells what the nearest row along it alone gets right beyond guessing; of
    numbers, the square of the rank correlation.
    """
    numbers = class_numbers(target)
    single = target.ndim == 1 or target.shape[1:] == (1,)
    if x.dtype.kind != "f" or not 2 <= x.shape[1] <= _LOOKED or len(x) < 20:
        return None, 0.0, 0, 0.0
    if numbers is not None and len(classes) > 1:
        most = max(classes.values()) / len(x)
        shares = [max(0.0, (_neighbours(c, numbers) - most) / (1 - most)) for c in x.T]
    elif single and numbers is None:
        y = _ranks(target.reshape(-1).astype(np.float64))
        shares = [_correlation(_ranks(column), y) ** 2 for column in x.T]
    else:
        return None, 0.0, 0, 0.0
    order = np.argsort(shares)[::-1]
    best = int(order[0])
    return best, float(shares[best]), len(np.unique(x[:, best])), float(shares[int(order[1])])


def _neighbours(column: Array, classes: Array) -> float:
    """Return the share of rows whose class its neighbours along a column, or its equals, have."""
    values, where = np.unique(column, return_inverse=True)
    if len(values) < len(column) // 2:
        names, codes = np.unique(classes, return_inverse=True)
        table = np.zeros((len(values), len(names)))
        np.add.at(table, (where, codes), 1)
        return float(table.max(axis=1).sum() / len(column))
    ordered = classes[np.argsort(column, kind="stable")]
    same = ordered[1:] == ordered[:-1]
    return float(same.mean())


def _ranks(values: Array) -> Array:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middles: Array = (ends - (counts - 1) / 2.0)[where]
    return middles


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size > 0 else 0.0


def _keys(inputs: Sequence[Array]) -> list[bytes]:
    rows = [np.ascontiguousarray(x.reshape(len(x), -1)) for x in inputs]
    return [b"".join(part[i].tobytes() for part in rows) for i in range(len(rows[0]))]


def _twins(
    inputs: Sequence[Array], val: tuple[Sequence[Array], Array] | None
) -> tuple[int, int, int]:
    """Return validation rows seen in training, training rows seen twice, and validation rows."""
    if val is None:
        return 0, 0, 0
    train = _keys(inputs)
    seen: dict[bytes, int] = {}
    for key in train:
        seen[key] = seen.get(key, 0) + 1
    shared = sum(key in seen for key in _keys(val[0]))
    return shared, sum(seen[key] > 1 for key in train), len(val[1])


def _shifts(train: Array, val: Array) -> dict[int, float]:
    """Return how far means of validation rows lie off, where that is beyond chance."""
    if min(len(train), len(val)) < _SMALL:
        return {}
    a, b = _columns(train), _columns(val)
    if a.shape[1] != b.shape[1]:
        return {}
    std = a.std(axis=0)
    floor = np.where(std > 0, std, np.nan)
    far = np.abs(b.mean(axis=0) - a.mean(axis=0)) / floor
    # Five standard errors of both means, the validation rows' own spread included.
    chance = 5.0 * np.sqrt(std**2 / len(a) + b.std(axis=0) ** 2 / len(b)) / floor
    return {int(i): float(far[i]) for i in np.flatnonzero(far > np.maximum(chance, 0.25))}


def _beyond(train: Array, val: Array) -> float:
    """Return the share of validation values outside of training's range, of the middle feature."""
    a, b = _columns(train), _columns(val)
    if min(len(a), len(b)) < _SMALL or a.shape[1] != b.shape[1] or not a.shape[1]:
        return 0.0
    outside = (b < a.min(axis=0)) | (b > a.max(axis=0))
    return float(np.median(outside.mean(axis=0)))


def _columns(rows: Array) -> Array:
    """Return features as columns; of images and series their mean."""
    x: Array = rows.astype(np.float64)
    return x if x.ndim == 2 else x.reshape(len(x), -1).mean(axis=1, keepdims=True)


def _missing(classes: dict[str, int], val: tuple[Sequence[Array], Array] | None) -> tuple[str, ...]:
    if val is None or class_numbers(val[1]) is None:  # of positions, rare classes are the rule
        return ()
    return tuple(name for name in _classes(val[1]) if name not in classes)
