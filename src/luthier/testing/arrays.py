"""Small prepared data for tests of engines and frameworks: drawn from fixed seeds."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import IGNORED, Arrays, Part, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, FEATURES, CLASSES = 60, 5, 3


def classes(n_classes: int = CLASSES, *, metric: str = "log_loss") -> Arrays:
    """Return rows of noisy numbers whose class is that of their largest sum.

    >>> len(classes().train), classes().task.input_shape
    (60, (5,))
    """
    direction = "minimize" if metric == "log_loss" else "maximize"
    task = Task(
        kind="classification",
        metric=metric,
        direction=direction,
        input_shape=(FEATURES,),
        n_outputs=n_classes,
        classes=tuple("abcdefgh"[:n_classes]),
        shown=("log_loss", "accuracy"),
    )

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, FEATURES)).astype(np.float32)
        labels = (x[:, :n_classes] + rng.normal(size=(rows, n_classes))).argmax(1)
        return _part((x,), labels.astype(np.int64))

    return Arrays(task, part(ROWS, 1), part(40, 2), None, f"classes-{n_classes}-{metric}")


def numbers(n_outputs: int = 1) -> Arrays:
    """Return rows whose target is a noisy sum; it was centred and scaled."""
    task = Task(
        kind="regression",
        metric="rmse",
        direction="minimize",
        input_shape=(FEATURES,),
        n_outputs=n_outputs,
        target_mean=(3.0,) * n_outputs,
        target_scale=(2.0,) * n_outputs,
        shown=("r2",),
    )

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, FEATURES)).astype(np.float32)
        y = x[:, :n_outputs] - x[:, 1 : n_outputs + 1] + 0.3 * rng.normal(size=(rows, n_outputs))
        return _part((x,), y.astype(np.float32))

    return Arrays(task, part(ROWS, 3), part(40, 4), None, f"numbers-{n_outputs}")


def images(side: int = 8) -> Arrays:
    """Return images of noise, brighter on the left or on the right."""
    arrays = classes(2)

    def part(old: Part, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(len(old), 1, side, side)).astype(np.float32)
        x[:, :, :, : side // 2] += old.target.reshape(-1, 1, 1, 1)
        return _part((x,), old.target)

    task = dataclasses.replace(arrays.task, input_shape=(1, side, side))
    return Arrays(task, part(arrays.train, 5), part(arrays.val, 6), None, f"images-{side}")


def noise(*shape: int) -> Arrays:
    """Return random rows of a shape, in three classes that they tell nothing of.

    >>> noise(2, 3).task.input_shape
    (2, 3)
    """
    arrays, rng = classes(), np.random.default_rng(0)
    task = dataclasses.replace(arrays.task, input_shape=shape)

    def part(rows: int) -> Part:
        x = rng.normal(size=(rows, *shape)).astype(np.float32)
        return _part((x,), rng.integers(task.n_outputs, size=rows))

    key = f"noise-{'x'.join(map(str, shape))}"
    return dataclasses.replace(arrays, task=task, train=part(44), val=part(20), key=key)


def sequences(length: int = 6, width: int = 4) -> Arrays:
    """Return sequences of vectors whose class is the sign of their first value's sum."""

    def part(rows: int, seed: int) -> Part:
        x = np.random.default_rng(seed).normal(size=(rows, length, width)).astype(np.float32)
        return _part((x,), (x[:, :, 0].sum(1) > 0).astype(np.int64))

    task = dataclasses.replace(classes(2).task, input_shape=(length, width))
    return Arrays(task, part(ROWS, 7), part(40, 8), None, "sequences")


def tokens(length: int = 6, vocabulary: int = 12) -> Arrays:
    """Return sequences of token numbers whose class is whether token 0 occurs."""

    def part(rows: int, seed: int) -> Part:
        x = np.random.default_rng(seed).integers(vocabulary, size=(rows, length))
        return _part((x,), (x == 0).any(1).astype(np.int64))

    task = dataclasses.replace(classes(2).task, input_shape=(length,))
    return Arrays(task, part(ROWS, 9), part(40, 10), None, "tokens")


def tags(length: int = 7, vocabulary: int = 12) -> Arrays:
    """Return sequences, filled up with token 0, and a class for each token but those.

    >>> tags().task.positions, bool((tags().train.target == -100).any())
    ((7,), True)
    """

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        x = rng.integers(1, vocabulary, size=(rows, length))
        x[np.arange(length) >= rng.integers(3, length + 1, size=(rows, 1))] = 0
        return _part((x,), np.where(x > 0, (x > 4).astype(np.int64) + (x > 8), IGNORED))

    task = dataclasses.replace(classes(3).task, input_shape=(length,), positions=(length,))
    return Arrays(task, part(ROWS, 13), part(40, 14), None, "tags")


def masks(side: int = 8) -> Arrays:
    """Return noisy images of a bright half, and whether each pixel is of it."""

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        edge = rng.integers(1, side, size=(rows, 1, 1))
        inside = np.broadcast_to(np.arange(side) < edge, (rows, side, side)).astype(np.int64)
        x = inside[:, None] + rng.normal(size=(rows, 1, side, side))
        return _part((x.astype(np.float32),), inside)

    task = dataclasses.replace(
        classes(2).task, input_shape=(1, side, side), positions=(side, side), shown=("mean_iou",)
    )
    return Arrays(task, part(ROWS, 15), part(40, 16), None, f"masks-{side}")


def categories() -> Arrays:
    """Return numbers and, as a second input, the codes of two columns of categories."""
    arrays = classes(2)

    def part(old: Part, seed: int) -> Part:
        codes = np.random.default_rng(seed).integers([3, 7], size=(len(old), 2))
        return _part((*old.inputs, codes), old.target)

    task = dataclasses.replace(arrays.task, cardinalities=(3, 7))
    return Arrays(task, part(arrays.train, 11), part(arrays.val, 12), None, "categories")


def weighted(arrays: Arrays, weight: NDArray[Any]) -> Arrays:
    """Return the same data with a weight for each training row."""
    train = dataclasses.replace(arrays.train, weight=weight.astype(np.float32))
    return dataclasses.replace(arrays, train=train, key=f"{arrays.key}-weighted-{_digest(weight)}")


def with_rows(arrays: Arrays, more: Part) -> Arrays:
    """Return the same data with more training rows at the end."""
    train, weights = arrays.train, []
    for part in (train, more):
        weights.append(np.ones(len(part), np.float32) if part.weight is None else part.weight)
    joined = Part(
        tuple(np.concatenate(pair) for pair in zip(train.inputs, more.inputs, strict=True)),
        np.concatenate([train.target, more.target]),
        np.concatenate(weights),
        np.arange(len(train) + len(more)),
    )
    key = f"{arrays.key}-more-{_digest(*joined.inputs, joined.target)}"
    return dataclasses.replace(arrays, train=joined, key=key)


def _digest(*values: NDArray[Any]) -> str:
    """Return what tells values apart: equal keys mean equal arrays, and engines rely on it."""
    return hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest()[:8]


def _part(inputs: tuple[NDArray[Any], ...], target: NDArray[Any]) -> Part:
    return Part(inputs, target, None, np.arange(len(target)))
