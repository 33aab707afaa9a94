"""Accuracy: the share of rows whose largest logit is the right class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the weighted share of right answers (`sklearn.metrics.accuracy_score`).

    >>> import numpy as np
    >>> formula(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1]), np.ones(2))
    0.5
    """
    right = outputs.argmax(axis=1) == targets
    return float(weight @ right / weight.sum())


ACCURACY = Metric(
    "accuracy", "classification", "maximize", formula, "sklearn.metrics.accuracy_score"
)
