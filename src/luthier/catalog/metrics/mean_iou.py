"""Mean intersection over union: the mean over classes of how well found and true places overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the mean Jaccard index of the classes that occur or are predicted.

    Over all rows together, as `torchmetrics.JaccardIndex` and Keras' `MeanIoU` count; it equals
    `sklearn.metrics.jaccard_score(average="macro")`.

    Source: Everingham et al. 2010, "The PASCAL Visual Object Classes Challenge", section 4.

    >>> formula(np.eye(2)[[0, 0, 1]], np.array([0, 1, 1]), np.ones(3))
    0.5
    """
    classes = outputs.shape[1]
    predicted = outputs.argmax(axis=1)
    size = np.bincount(targets, weight, classes)
    named = np.bincount(predicted, weight, classes)
    right = np.bincount(targets, weight * (predicted == targets), classes)
    union = size + named - right
    known = union > 0
    return float((right[known] / union[known]).mean())


MEAN_IOU = Metric(
    "mean_iou",
    "classification",
    "maximize",
    formula,
    "Everingham et al. 2010; sklearn.metrics.jaccard_score",
)
