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
    error = outputs - targets
    return float(np.average((error * error).mean(axis=1), weights=weight))


MSE = Metric("mse", "regression", "minimize", formula, "sklearn.metrics.mean_squared_error")
