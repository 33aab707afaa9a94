"""Mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean square over rows and outputs (`sklearn.metrics.mean_squared_error`).

    >>> formula(np.array([[1.0], [3.0]]), np.zeros((2, 1)), np.ones(2))
    5.0
    """
    return float(np.average(squares(outputs, targets).mean(axis=1), weights=weight))


def squares(outputs: Array, targets: Array, /) -> Array:
    """Return the square of each error.

    >>> squares(np.array([[3.0]]), np.array([[1.0]])).tolist()
    [[4.0]]
    """
    error = outputs - targets
    return np.asarray(error * error)


MSE = Metric(
    "mse", "regression", "minimize", formula, "sklearn.metrics.mean_squared_error", by_row=squares
)
