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
    return float(weight @ right(outputs, targets) / weight.sum())


def right(outputs: Array, targets: Array, /) -> Array:
    """Return whether each row's answer is right, as 1 or 0.

    >>> import numpy as np
    >>> right(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([0, 1])).tolist()
    [1.0, 0.0]
    """
    found: Array = (outputs.argmax(axis=1) == targets).astype(float)
    return found


ACCURACY = Metric(
    "accuracy",
    "classification",
    "maximize",
    formula,
    "sklearn.metrics.accuracy_score",
    by_row=right,
)
