"""Metrics inside the program: for hundreds of trials at once, where the host would take turns.

The formulas are those of `luthier.catalog.metrics`, in double precision; a test holds one to the
other. What needs sorting stays with the host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from luthier.core import IGNORED, Task
from luthier.engines.chunks.tables import Tables


class Truth(NamedTuple):
    """What metrics compare the validation outputs with, in double precision.

    Args:
        target: Numbers in their own units; or, of classes, rows with a single one each, and none
            where nothing counts.
        weight: Weight of each row, or of each of its positions.
        scale: What outputs are multiplied with, for their own units.
        mean: What is added to them then.
    """

    target: Any
    weight: Any
    scale: Any
    mean: Any

    @classmethod
    def of(cls, tables: Tables) -> Truth:
        """Return a data set's."""
        truth, task = np.asarray(tables.truth), tables.task
        weight = np.ones(len(truth)) if tables.truth_weight is None else tables.truth_weight
        if task.kind == "classification":
            counted = truth != IGNORED
            weight = (weight.reshape(-1, *[1] * (truth.ndim - 1)) * counted).reshape(-1)
            classes = np.concatenate([np.eye(task.n_outputs), np.zeros((1, task.n_outputs))])
            target = classes[np.where(counted, truth, task.n_outputs).astype(np.int64).reshape(-1)]
        else:
            target = truth.reshape(len(truth), -1).astype(np.float64)
        scale, mean = np.asarray(task.target_scale), np.asarray(task.target_mean)
        return cls(target, np.asarray(weight, np.float64), scale, mean)


def told(task: Task) -> tuple[str, ...]:
    """Return which of a task's metrics a program can tell."""
    return tuple(name for name in task.metrics if name in FORMULAS)


def scores(task: Task, outputs: Any, truth: Truth) -> Any:
    """Return those metrics; not a number where an output is none, or the weights sum to 0."""
    x = outputs.astype(jnp.float64)
    if task.kind == "regression":
        x = x * truth.scale + truth.mean
    elif x.shape[1] == 1:
        x = jnp.concatenate([jnp.zeros_like(x), x], axis=1)
    sound = jnp.isfinite(x).all() & (truth.weight.sum() > 0)
    values = [FORMULAS[name](x, truth.target, truth.weight) for name in told(task)]
    return jnp.where(sound, jnp.stack(values), jnp.nan) if values else jnp.zeros(0)


def _mean(values: Any, weight: Any) -> Any:
    return (weight * values).sum() / weight.sum()


def _columns(values: Any, weight: Any) -> Any:
    return (weight[:, None] * values).sum(0) / weight.sum()


def _surprise(x: Any, target: Any) -> Any:
    return -(jax.nn.log_softmax(x, axis=1) * target).sum(1)


def _right(x: Any, target: Any) -> Any:
    return jnp.take_along_axis(target, x.argmax(1)[:, None], axis=1)[:, 0]


def _by_class(values: Any, target: Any, weight: Any) -> Any:
    """Return the mean over classes that occur of each class's mean."""
    size, total = weight @ target, (weight * values) @ target
    present = size > 0
    return jnp.where(present, total / jnp.where(present, size, 1.0), 0.0).sum() / present.sum()


def _f1_macro(x: Any, target: Any, weight: Any) -> Any:
    named = jax.nn.one_hot(x.argmax(1), target.shape[1], dtype=target.dtype)
    named = named * target.sum(1, keepdims=True)  # of what counts
    sums = weight @ target + weight @ named
    counted = (target.sum(0) + named.sum(0)) > 0
    shares = jnp.where(counted, 2 * (weight @ (target * named)), 0.0) / jnp.where(
        sums > 0, sums, 1.0
    )
    return shares.sum() / counted.sum()


def _r2(x: Any, target: Any, weight: Any) -> Any:
    centre = _columns(target, weight)
    left, spread = weight @ (x - target) ** 2, weight @ (target - centre) ** 2
    known = spread > 0
    shares = jnp.where(
        known, 1 - left / jnp.where(known, spread, 1.0), jnp.where(left > 0, 0.0, 1.0)
    )
    return shares.mean()


FORMULAS: Mapping[str, Callable[[Any, Any, Any], Any]] = {
    "log_loss": lambda x, target, weight: _mean(_surprise(x, target), weight),
    "accuracy": lambda x, target, weight: _mean(_right(x, target), weight),
    "balanced_log_loss": lambda x, t, weight: _by_class(_surprise(x, t), t, weight),
    "balanced_accuracy": lambda x, t, weight: _by_class(_right(x, t), t, weight),
    "f1_macro": _f1_macro,
    "mae": lambda x, target, weight: _mean(jnp.abs(x - target).mean(1), weight),
    "mse": lambda x, target, weight: _mean(((x - target) ** 2).mean(1), weight),
    "rmse": lambda x, t, weight: jnp.sqrt(_columns((x - t) ** 2, weight)).mean(),
    "r2": _r2,
}
