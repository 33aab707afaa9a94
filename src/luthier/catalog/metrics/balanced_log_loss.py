"""Balanced log-loss: the mean over classes of the class's log-loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric
from luthier.catalog.metrics.probabilities import surprise

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean over classes that occur, so that a rare class counts as a common one.

    It equals `sklearn.metrics.log_loss` with `compute_sample_weight("balanced")`.

    >>> logits = np.log([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    >>> round(formula(logits, np.array([0, 0, 1]), np.ones(3)), 4)
    1.4979
    """
    size = np.bincount(targets, weight)
    total = np.bincount(targets, weight * surprise(outputs, targets))
    present = size > 0
    return float((total[present] / size[present]).mean())


BALANCED_LOG_LOSS = Metric(
    "balanced_log_loss",
    "classification",
    "minimize",
    formula,
    "sklearn.metrics.log_loss with balanced sample weights",
)
