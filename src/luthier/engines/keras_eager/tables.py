"""A data set's parts: for the backend what it trains on, for NumPy what is compared with it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from luthier.catalog import losses, metrics
from luthier.catalog.augmentation import spread
from luthier.catalog.losses import soft_targets
from luthier.catalog.ops_numpy import numpy_ops
from luthier.catalog.order import sample_rows
from luthier.core import Arrays, Part, Task, chunk_rows, sample_size

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Table:
    """One part, at the precision and for the loss of a recipe."""

    inputs: tuple[Array, ...]
    target: Array
    weight: Array


@dataclass(frozen=True, eq=False)
class Tables:
    """Training part, a fixed sample of it, and validation part.

    Args:
        key: What they were made from.
        task: What is to be learned.
        train, sample, val: The parts.
        labels: Class of each training row; empty for regression.
        passes: Inputs of sample and validation part, one after the other, cut into passes.
        truth, truth_weight: What metrics compare the validation outputs with.
    """

    key: tuple[str, str, str]
    task: Task
    train: Table
    sample: Table
    val: Table
    labels: Array
    passes: tuple[tuple[Array, ...], ...]
    truth: Array
    truth_weight: Array | None

    @cached_property
    def spread(self) -> Array:
        """What noise of the first input is measured in."""
        return spread(self.train.inputs[0])

    @classmethod
    def of(cls, arrays: Arrays, precision: str, loss: str) -> Tables:
        """Convert prepared arrays."""
        task, train, val = arrays.task, arrays.train, arrays.val
        dtype = np.dtype("float64" if precision == "float64" else "float32")
        chosen = sample_rows(len(train), sample_size(len(train)))
        whole, held = _table(train, task, loss, dtype), _table(val, task, loss, dtype)
        sample = Table(
            tuple(x[chosen] for x in whole.inputs), whole.target[chosen], whole.weight[chosen]
        )
        truth: Array = val.target
        if task.kind == "regression":
            truth = truth.astype(np.float64) * np.asarray(task.target_scale)
            truth = truth + np.asarray(task.target_mean)
        both = [np.concatenate(pair) for pair in zip(sample.inputs, held.inputs, strict=True)]
        return cls(
            key=(arrays.key, precision, loss),
            task=task,
            train=whole,
            sample=sample,
            val=held,
            labels=train.target if task.kind == "classification" else np.empty(0, np.int64),
            passes=_passes(both, chunk_rows(arrays)),
            truth=truth,
            truth_weight=val.weight,
        )

    def weights(self, class_weight: str | None) -> Array:
        """Return the training rows' weights; times n / (classes * class count) if balanced."""
        if class_weight is None or not len(self.labels):
            return self.train.weight
        counts = np.bincount(self.labels, minlength=1)
        share = len(self.labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        weighted: Array = self.train.weight * share[self.labels].astype(self.train.weight.dtype)
        return weighted

    def losses(self, loss: losses.Loss, outputs: Array) -> tuple[float, float]:
        """Return the loss of the sample and of the validation part."""
        size = len(self.sample.target)
        return _mean(loss, outputs[:size], self.sample), _mean(loss, outputs[size:], self.val)

    def scores(self, outputs: Array) -> dict[str, float]:
        """Return the task's metrics on the validation part."""
        values = outputs[len(self.sample.target) :].astype(np.float64)
        if self.task.kind == "regression":
            values = values * np.asarray(self.task.target_scale) + np.asarray(self.task.target_mean)
        return {
            name: metrics.by_name(name).compute(values, self.truth, self.truth_weight)
            for name in self.task.metrics
        }


def _mean(loss: losses.Loss, outputs: Array, table: Table) -> float:
    with np.errstate(all="ignore"):
        each = loss.per_example(numpy_ops, outputs, table.target)
        return float((each * table.weight).sum() / table.weight.sum())


def _passes(inputs: list[Array], rows: int) -> tuple[tuple[Array, ...], ...]:
    """Cut rows into passes of one length; the last one is filled up with its last row."""
    short = -len(inputs[0]) % rows
    filled = [np.concatenate([x, np.repeat(x[-1:], short, axis=0)]) for x in inputs]
    return tuple(
        tuple(x[start : start + rows] for x in filled) for start in range(0, len(filled[0]), rows)
    )


def _table(part: Part, task: Task, loss: str, dtype: np.dtype[Any]) -> Table:
    target: Array = part.target
    if task.kind == "classification":
        single = np.array([[0.0], [1.0]])  # the probability of the second class
        shares = single if loss == "binary_cross_entropy" else np.eye(task.n_outputs)
        target = soft_targets(target, shares)
    weight = np.ones(len(part)) if part.weight is None else part.weight
    inputs = tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in part.inputs)
    return Table(inputs, target.astype(dtype), np.asarray(weight, dtype))
