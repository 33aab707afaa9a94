"""Log-loss: minus the mean log-probability of the right class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.catalog.metrics.metric import Metric
from luthier.catalog.metrics.probabilities import surprise

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the weighted mean (`sklearn.metrics.log_loss`, without its clipping).

    >>> import numpy as np
    >>> round(formula(np.zeros((2, 4)), np.array([0, 1]), np.ones(2)), 4)
    1.3863
    """
    return float(weight @ surprise(outputs, targets) / weight.sum())


LOG_LOSS = Metric(
    "log_loss",
    "classification",
    "minimize",
    formula,
    "sklearn.metrics.log_loss",
    by_row=surprise,
)
