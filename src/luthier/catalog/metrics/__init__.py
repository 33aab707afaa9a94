"""Metrics: one file each, the numbers of `sklearn.metrics`, in microseconds.

To add one: a file with its `formula` and its `Metric`, and an entry in `ALL`.
"""

from __future__ import annotations

from luthier.catalog.lookup import lookup
from luthier.catalog.metrics.accuracy import ACCURACY
from luthier.catalog.metrics.balanced_accuracy import BALANCED_ACCURACY
from luthier.catalog.metrics.balanced_log_loss import BALANCED_LOG_LOSS
from luthier.catalog.metrics.f1_macro import F1_MACRO
from luthier.catalog.metrics.log_loss import LOG_LOSS
from luthier.catalog.metrics.mae import MAE
from luthier.catalog.metrics.mean_iou import MEAN_IOU
from luthier.catalog.metrics.metric import Formula, Metric
from luthier.catalog.metrics.mse import MSE
from luthier.catalog.metrics.r2 import R2
from luthier.catalog.metrics.rmse import RMSE
from luthier.catalog.metrics.roc_auc import ROC_AUC

__all__ = ["ALL", "Formula", "Metric", "by_name"]

ALL: tuple[Metric, ...] = (
    ACCURACY,
    BALANCED_ACCURACY,
    LOG_LOSS,
    BALANCED_LOG_LOSS,
    F1_MACRO,
    MEAN_IOU,
    ROC_AUC,
    RMSE,
    MSE,
    MAE,
    R2,
)


def by_name(name: str) -> Metric:
    """Return the metric of that name.

    Raises:
        RecipeError: for a name that no metric has.

    >>> by_name("accuracy").direction
    'maximize'
    """
    return lookup(ALL, name, "metric")
