"""Root mean squared error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric
from luthier.catalog.metrics.mse import squares

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean over outputs of the root (`sklearn.metrics.root_mean_squared_error`).

    >>> formula(np.array([[3.0], [3.0]]), np.zeros((2, 1)), np.ones(2))
    3.0
    """
    means = np.average(squares(outputs, targets), axis=0, weights=weight)
    return float(np.sqrt(means).mean())


RMSE = Metric(
    "rmse",
    "regression",
    "minimize",
    formula,
    "sklearn.metrics.root_mean_squared_error",
    by_row=squares,
    of_mean=np.sqrt,
)
