"""A data set's parts as arrays that a program takes: NumPy on the way in, once a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from luthier.catalog.augmentation import spread
from luthier.catalog.losses import soft_targets
from luthier.catalog.order import sample_rows
from luthier.core import IGNORED, Arrays, Part, Task, sample_size
from luthier.engines.chunks.exchange import Examples, Rows

Array = np.ndarray[Any, Any]
Place = Callable[[Any], Any]
"""Hands arrays to whatever computes with them, once and not at every epoch."""


def as_they_are(arrays: Any) -> Any:
    """Leave arrays where they are: in NumPy."""
    return arrays


@dataclass(frozen=True, eq=False)
class Tables:
    """Training part as it is, sample and validation part as a program evaluates them.

    Args:
        key: What they were made from.
        task: What is to be learned.
        train: The training part, as a program takes it.
        weight: Weight of each training row, or of each of its positions.
        labels: Class of each training row, or position; empty for regression.
        rows: What is evaluated, by position where a row has several classes.
        targets: Numbers of a row's target.
        truth, truth_weight: What metrics compare the validation outputs with.
        place: Hands arrays to the program.
    """

    key: tuple[str, str, str, int]
    task: Task
    train: Examples
    weight: Array
    labels: Array
    rows: Rows
    targets: int
    truth: Array
    truth_weight: Array | None
    place: Place = as_they_are

    @classmethod
    def of(
        cls,
        arrays: Arrays,
        precision: str,
        loss: str,
        chunk: int,
        place: Place = as_they_are,
    ) -> Tables:
        """Convert prepared arrays, to be evaluated in passes of `chunk` rows."""
        task, train, val = arrays.task, arrays.train, arrays.val
        dtype = stored(precision)
        chosen = sample_rows(len(train), sample_size(len(train)))
        evaluated = [
            np.concatenate([x[chosen], v]) for x, v in zip(train.inputs, val.inputs, strict=True)
        ]
        target, weight = _target(train, task, loss, dtype), _weight(train, dtype)
        truth: Array = val.target
        if task.kind == "regression":
            truth = truth.astype(np.float64) * np.asarray(task.target_scale)
            truth = truth + np.asarray(task.target_mean)
        return cls(
            key=(arrays.key, precision, loss, chunk),
            task=task,
            train=place(Examples(tuple(_typed(x, dtype) for x in train.inputs), target, weight)),
            weight=weight,
            labels=_labels(train, task) if task.kind == "classification" else np.empty(0, np.int64),
            rows=place(
                Rows(
                    tuple(_passes(_typed(x, dtype), chunk) for x in evaluated),
                    _examples(target[chosen], task),
                    _examples(weight[chosen], task),
                    _examples(_target(val, task, loss, dtype), task),
                    _examples(_weight(val, dtype), task),
                )
            ),
            targets=int(target.shape[-1]),
            truth=truth,
            truth_weight=val.weight,
            place=place,
        )

    @cached_property
    def wanted(self) -> Array:
        """Targets of all rows that are evaluated."""
        return np.concatenate([self.rows.sample_target, self.rows.val_target])

    @cached_property
    def weighed(self) -> Array:
        """Weights of all rows that are evaluated."""
        return np.concatenate([self.rows.sample_weight, self.rows.val_weight])

    def noise(self, share: float) -> Array:
        """Return the standard deviation of noise for each number of a row of the first input.

        Args:
            share: Of what the training rows spread over themselves.
        """
        inputs = self.train.inputs[0]
        floating = np.issubdtype(inputs.dtype, np.floating)  # a pack wants one type of all lanes
        row: Array = np.zeros(inputs.shape[1:], inputs.dtype if floating else np.float32)
        return row + (share * self._spread).astype(row.dtype) if share else row

    @cached_property
    def _spread(self) -> Array:
        return spread(np.asarray(self.train.inputs[0]))

    @property
    def count(self) -> int:
        """Number of training rows."""
        return len(self.weight)

    def examples(self, class_weight: str | None) -> Examples:
        """Return the training part; weights times n / (classes * class count) if balanced."""
        if class_weight is None or not len(self.labels):
            return self.train
        counts = np.bincount(self.labels.reshape(-1), minlength=self.task.n_outputs + 1)
        counts[self.task.n_outputs :] = 0  # what is ignored
        share = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
        weight = self.weight * share[self.labels].astype(self.weight.dtype)
        return self.train._replace(weight=self.place(weight))


def stored(precision: str) -> np.dtype[Any]:
    """Return the type of arrays: half precision is one of products, and all else stays single.

    >>> stored("bfloat16")
    dtype('float32')
    """
    return np.dtype("float32" if precision == "bfloat16" else precision)


def _typed(x: Array, dtype: np.dtype[Any]) -> Array:
    return x.astype(dtype) if np.issubdtype(x.dtype, np.floating) else x


def _passes(x: Array, chunk: int) -> Array:
    """Cut rows into passes; the last one is filled up with its last row."""
    short = -len(x) % chunk
    filled = np.concatenate([x, np.repeat(x[-1:], short, axis=0)])
    return filled.reshape(-1, chunk, *x.shape[1:])


def _target(part: Part, task: Task, loss: str, dtype: np.dtype[Any]) -> Array:
    if task.positions:
        return _labels(part, task).astype(np.int32)  # shares of classes are made where they count
    target: Array = part.target
    if task.kind == "classification":
        single = np.array([[0.0], [1.0]])  # the probability of the second class
        target = soft_targets(
            target, single if loss == "binary_cross_entropy" else np.eye(task.n_outputs)
        )
    return target.astype(dtype)


def _weight(part: Part, dtype: np.dtype[Any]) -> Array:
    weight = np.ones(len(part)) if part.weight is None else part.weight
    if part.target.ndim > 1 and part.target.dtype.kind == "i":
        weight = weight.reshape(-1, *[1] * (part.target.ndim - 1)) * (part.target != IGNORED)
    return np.asarray(weight, dtype)


def _labels(part: Part, task: Task) -> Array:
    """Return classes, one beyond the last for a position where nothing counts."""
    labels: Array = np.where(part.target == IGNORED, task.n_outputs, part.target)
    return labels


def _examples(values: Array, task: Task) -> Array:
    """Return what rows have as examples have it: by position, where they have several."""
    return values.reshape(-1) if task.positions else values
