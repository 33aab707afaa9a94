"""Mean absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean size over rows and outputs (`sklearn.metrics.mean_absolute_error`).

    >>> formula(np.array([[1.0], [-3.0]]), np.zeros((2, 1)), np.ones(2))
    2.0
    """
    return float(np.average(sizes(outputs, targets).mean(axis=1), weights=weight))


def sizes(outputs: Array, targets: Array, /) -> Array:
    """Return the size of each error.

    >>> sizes(np.array([[1.0]]), np.array([[3.0]])).tolist()
    [[2.0]]
    """
    return np.asarray(np.abs(outputs - targets))


MAE = Metric(
    "mae", "regression", "minimize", formula, "sklearn.metrics.mean_absolute_error", by_row=sizes
)
