"""R2: the share of the variance that is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean over outputs (`sklearn.metrics.r2_score`, also for constant targets).

    >>> formula(np.array([[2.0], [2.0]]), np.array([[1.0], [3.0]]), np.ones(2))
    0.0
    """
    centre = np.average(targets, axis=0, weights=weight)
    left = weight @ (outputs - targets) ** 2
    spread = weight @ (targets - centre) ** 2
    known = spread > 0
    shares = np.where(known, 1 - left / np.where(known, spread, 1.0), np.where(left > 0, 0.0, 1.0))
    return float(shares.mean())


R2 = Metric("r2", "regression", "maximize", formula, "sklearn.metrics.r2_score")
