"""The penalties that Keras adds to ``loss`` and ``val_loss``, told apart from the data's loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from luthier.frameworks.keras.watching_state import copied

_PLAIN = ("L1", "L2", "L1L2")


class Penalty:
    """Follows the penalty on the weights through an epoch.

    Keras' epoch loss is a mean over steps. So is this, over the steps that were looked at: the
    penalty moves slowly, and is joined by straight lines in between.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        found = [(i, one.regularizer) for i, one in enumerate(model.trainable_variables)]
        self._about = [(i, one) for i, one in found if one is not None]
        self._points: list[tuple[int, float]] = []
        layers = model._flatten_layers()
        self.unseen = any(getattr(one, "activity_regularizer", None) is not None for one in layers)

    @property
    def there(self) -> bool:
        """Whether any weight has a regulariser."""
        return bool(self._about)

    def settings(self) -> dict[str, float]:
        """Return ``l1`` and ``l2`` as a recipe has them, where all regularisers are alike."""
        found = {
            (float(getattr(one, "l1", 0.0)), float(getattr(one, "l2", 0.0)))
            for _, one in self._about
            if type(one).__name__ in _PLAIN
        }
        if len(found) != 1:
            return {}
        l1, l2 = found.pop()
        return {name: value for name, value in (("l1", l1), ("l2", l2)) if value}

    def look(self, step: int, weights: Sequence[Any]) -> float:
        """Take note of the penalty after a number of steps, and return it."""
        value = 0.0
        for place, regulariser in self._about:
            value += of_weight(regulariser, weights[place])
        self._points.append((step, value))
        return value

    def mean(self) -> float:
        """Return the mean since the last call, and begin anew with the last value."""
        points = self._points
        self._points = points[-1:]
        if len(points) < 2 or points[-1][0] == points[0][0]:
            return points[-1][1] if points else 0.0
        steps, values = zip(*points, strict=True)
        return float(np.trapezoid(values, steps) / (steps[-1] - steps[0]))


def of_model(model: Any) -> float:
    """Return what all regularisers of a model add to its loss now.

    >>> of_model(keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]))
    0.0
    """
    held = [(v.regularizer, v.value) for v in model.trainable_variables]
    return math.fsum(of_weight(one, value) for one, value in held if one is not None)


def of_weight(regulariser: Any, weight: Any) -> float:
    """Return what a regulariser adds for one weight."""
    kind = type(regulariser)
    if kind.__name__ in _PLAIN and kind.__module__.partition(".")[0] == "keras":
        flat = copied(weight, 0).reshape(-1).astype(np.float32, copy=False)
        l1, l2 = (float(getattr(regulariser, name, 0.0)) for name in ("l1", "l2"))
        return (l1 * float(np.abs(flat).sum()) if l1 else 0.0) + l2 * float(np.dot(flat, flat))
    return float(keras.ops.convert_to_numpy(regulariser(keras.ops.convert_to_tensor(weight))))
