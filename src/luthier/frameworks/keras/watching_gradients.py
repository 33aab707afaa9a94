"""Gradients as the optimizer got them, read from what it keeps.

TensorFlow and JAX keep no gradient after a step, but most optimizers keep running means of it, of
which two successive values give it back: of Adam, m' = m + (1 - beta_1) (g - m). That costs two
reads, needs no second pass over data, and sees clipping, custom steps and compiled ones alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LINEAR = 1e-5  # what rounding leaves of a gradient that was zero, as a share of the running mean
FINE = 100.0  # times the last digit of a weight, from which on its update tells a gradient
EPSILON = 2.0**-23  # of float32
SMALLEST = 1e-30  # rate below which what is kept of it underflows
SQUARED = 2e-3  # and where the mean is of squares, as a share of its root


@dataclass(frozen=True)
class Slot:
    """How one kind of optimizer gives its gradients back.

    Args:
        name: Attribute that holds a list of its numbers, one a weight.
        gradient: Takes what was kept before and after the step, the optimizer and the rate.
        squared: The kept numbers are squares, and the gradient comes without its sign.
        forgets: They fade, so that a gradient of zero shows; a sum that only grows hides it.
    """

    name: str
    gradient: Callable[[Array, Array, Any, float], Array]
    squared: bool = False
    forgets: bool = True

    def is_zero(self, gradient: Array, before: Array) -> Array:
        """Tell which gradients were zero, but for rounding."""
        size = np.sqrt(np.abs(before)) if self.squared else np.abs(before)
        zero: Array = np.abs(gradient) <= (SQUARED if self.squared else LINEAR) * size
        return zero


def _mean(before: Array, after: Array, beta: float) -> Array:
    found: Array = before + (after - before) / (1.0 - beta)
    return found


def _root(before: Array, after: Array, rho: float) -> Array:
    found: Array = np.sqrt(np.maximum(after - rho * before, 0.0) / (1.0 - rho))
    return found


_ADAM = Slot("_momentums", lambda a, b, o, r: _mean(a, b, float(o.beta_1)))
_KINDS = {
    "Adam": _ADAM,
    "AdamW": _ADAM,
    "Nadam": _ADAM,
    "Lamb": _ADAM,
    "Adamax": Slot("_m", lambda a, b, o, r: _mean(a, b, float(o.beta_1))),
    "Lion": Slot("_momentums", lambda a, b, o, r: _mean(a, b, float(o.beta_2))),
    "SGD": Slot("momentums", lambda a, b, o, r: (float(o.momentum) * a - b) / r),
    "RMSprop": Slot("_velocities", lambda a, b, o, r: _root(a, b, float(o.rho)), squared=True),
    "Adadelta": Slot(
        "_accumulated_grads", lambda a, b, o, r: _root(a, b, float(o.rho)), squared=True
    ),
    "Adagrad": Slot(
        "_accumulators",
        lambda a, b, o, r: np.sqrt(np.maximum(b - a, 0.0)),
        squared=True,
        forgets=False,
    ),
}


def slot_of(optimizer: Any) -> Slot | None:
    """Return how an optimizer gives its gradients back; None where it does not.

    Plain SGD keeps nothing: its update is the gradient times the rate, see `of_update`.
    """
    slot = _KINDS.get(type(optimizer).__name__)
    if slot is None or type(optimizer).__module__.partition(".")[0] != "keras":
        return None
    return None if slot.name == "momentums" and not optimizer.momentum else slot


def is_plain(optimizer: Any) -> bool:
    """Tell whether updates are gradients times the rate and nothing else."""
    return (
        type(optimizer).__name__ == "SGD"
        and type(optimizer).__module__.partition(".")[0] == "keras"
        and not optimizer.momentum
        and not optimizer.weight_decay
    )


def resolved(before: Array, after: Array) -> bool:
    """Tell whether an update is more than what rounding makes of it.

    >>> resolved(np.ones(2, np.float32), np.float32([1.0, 0.99])), resolved(np.ones(2), np.ones(2))
    (True, False)
    """
    size = float(np.abs(after - before).max(initial=0.0))
    return bool(size > FINE * EPSILON * float(np.abs(before).max(initial=0.0)))


def of_update(before: Array, after: Array, rate: float) -> Array:
    """Return the gradient that plain SGD took a step along.

    >>> of_update(np.ones(2), np.array([1.0, 0.5]), 0.5).tolist()
    [0.0, 1.0]
    """
    found: Array = (before - after) / rate
    return found
