"""Differences from repeated splits, whose training rows overlap: the corrected t-test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.proof.student import t_sf


def corrected_resampled(differences: Sequence[float], ratio: float) -> tuple[float, float]:
    """Return standard error and two-sided p-value of a mean over repeated random splits.

    Nadeau and Bengio (2003, Machine Learning 52:239-281): splits that share rows are not
    independent; the variance of their mean is (1/J + test/train) times that of one, not 1/J.

    Args:
        differences: One a split; at least two.
        ratio: Test rows of a split by its training rows.

    >>> error, p = corrected_resampled([1.0, 2.0, 3.0, 2.0], 0.25)
    >>> round(error, 3), round(p, 3)
    (0.577, 0.041)
    """
    values = np.asarray(differences, np.float64)
    error = float(values.std(ddof=1) * np.sqrt(1 / len(values) + ratio))
    mean = float(values.mean())
    if error == 0:
        return 0.0, 1.0 if mean == 0 else 0.0
    return error, float(2 * t_sf(abs(mean) / error, len(values) - 1))
