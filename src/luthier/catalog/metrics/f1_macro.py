"""Macro F1: the mean over classes of the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean over classes that occur or are predicted (`f1_score(average="macro")`).

    >>> round(formula(np.eye(2)[[0, 0, 1]], np.array([0, 1, 1]), np.ones(3)), 4)
    0.6667
    """
    classes = outputs.shape[1]
    predicted = outputs.argmax(axis=1)
    size = np.bincount(targets, weight, classes)
    named = np.bincount(predicted, weight, classes)
    right = np.bincount(targets, weight * (predicted == targets), classes)
    counted = (
        np.bincount(targets, minlength=classes) + np.bincount(predicted, minlength=classes)
    ) > 0
    sums = (size + named)[counted]
    return float((2 * right[counted] / np.where(sums > 0, sums, 1.0)).mean())


F1_MACRO = Metric("f1_macro", "classification", "maximize", formula, "sklearn.metrics.f1_score")
