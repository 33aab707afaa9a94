"""Balanced accuracy: the mean over classes of the share of the class that is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean recall of the classes that occur (`balanced_accuracy_score`).

    Source: Brodersen et al. 2010, "The balanced accuracy and its posterior distribution".

    >>> formula(np.eye(2)[[0, 0, 0, 0]], np.array([0, 0, 0, 1]), np.ones(4))
    0.5
    """
    right = weight * (outputs.argmax(axis=1) == targets)
    size = np.bincount(targets, weight)
    found = np.bincount(targets, right)
    present = size > 0
    return float((found[present] / size[present]).mean())


BALANCED_ACCURACY = Metric(
    "balanced_accuracy",
    "classification",
    "maximize",
    formula,
    "sklearn.metrics.balanced_accuracy_score",
)
