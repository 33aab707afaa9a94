"""Area under the ROC curve; of several classes the mean of one against the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.catalog.metrics.metric import Metric
from luthier.catalog.metrics.probabilities import log_probabilities

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def formula(outputs: Array, targets: Array, weight: Array, /) -> float:
    """Return the chance that a row of a class scores above one of another; ties count half.

    Source: Fawcett 2006, "An introduction to ROC analysis"; `sklearn.metrics.roc_auc_score` with
    `multi_class="ovr"`. Classes that no row, or every row, belongs to are left out.

    >>> formula(np.array([[0.0, -1.0], [0.0, 2.0], [0.0, 1.0]]), np.array([0, 1, 0]), np.ones(3))
    1.0
    """
    if outputs.shape[1] == 2:
        scores, members = (outputs[:, 1] - outputs[:, 0])[None], (targets == 1)[None]
    else:
        scores = np.ascontiguousarray(log_probabilities(outputs).T)
        members = targets == np.arange(outputs.shape[1])[:, None]
    areas = _areas(scores, members, weight)
    known = areas[~np.isnan(areas)]
    return float(known.mean()) if known.size else float("nan")


def _areas(scores: Array, members: Array, weight: Array) -> Array:
    """Return the area of each row of scores, all of them sorted at once."""
    count = len(scores)
    order = scores.argsort(axis=1)
    ordered = np.take_along_axis(scores, order, axis=1)
    positive = np.take_along_axis(weight * members, order, axis=1)
    above = positive.cumsum(axis=1)
    below = (weight[order] - positive).cumsum(axis=1)
    # Rows with equal scores are one group, of which only the last position counts.
    last = np.ones(scores.shape, dtype=bool)
    last[:, :-1] = ordered[:, 1:] != ordered[:, :-1]
    row = np.nonzero(last)[0]
    starts = np.append(True, row[1:] != row[:-1])
    grown, passed = above[last], below[last]
    gain = grown - np.where(starts, 0.0, np.append(0.0, grown[:-1]))
    tied = passed - np.where(starts, 0.0, np.append(0.0, passed[:-1]))
    wins = np.bincount(row, gain * (passed - 0.5 * tied), count)
    total = above[:, -1] * below[:, -1]
    return np.where(total > 0, wins / np.where(total > 0, total, 1.0), np.nan)


ROC_AUC = Metric("roc_auc", "classification", "maximize", formula, "sklearn.metrics.roc_auc_score")
