"""Two networks on the same rows, each trained once: what can be said of these two alone."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import Verdict
from luthier.proof.detectable import detectable_by_rows
from luthier.proof.equivalence import equivalence
from luthier.proof.judge import decide
from luthier.proof.two_way import Estimate, one_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def judge_rows(
    candidate: Array,
    baseline: Array,
    *,
    level: float = 0.05,
    min_difference: float | None = None,
    seed: int = 0,
    draws: int = 4000,
) -> Verdict:
    """Judge two sets of predictions by what each row contributes to their scores.

    A paired t-test over rows, and a bootstrap of them for the interval. It holds for these two
    trained networks on fresh rows; whether other trainings would come out the same it cannot say.

    Args:
        candidate: One number a row, larger being better; of several trainings their means.
        baseline: The same rows.
        level: What the p-value must not exceed.
        min_difference: Differences below it do not matter; None if every one does.
        seed: Of the bootstrap.
        draws: 4,000 place a 2.5 % quantile within a twentieth of the error.

    >>> rng = np.random.default_rng(0)
    >>> base = rng.normal(size=300)
    >>> judge_rows(base + rng.normal(0.1, 0.3, 300), base).verdict
    'better'
    """
    by_row = np.asarray(candidate, np.float64) - np.asarray(baseline, np.float64)
    found: Estimate = one_way(by_row)
    rows, rng = len(by_row), np.random.default_rng(seed)
    means = by_row[rng.integers(rows, size=(draws, rows), dtype=np.int32)].mean(axis=1)
    low, high = (float(value) for value in np.quantile(means, [0.025, 0.975]))
    return Verdict(
        verdict=decide(found, (low, high), level, min_difference),
        difference=found.difference,
        interval=(low, high),
        seed_interval=None,
        p_value=found.p_value,
        level=level,
        superiority=None,
        seeds=1,
        rows=rows,
        detectable=detectable_by_rows(by_row, alpha=level),
        more_seeds=inf,
        min_difference=min_difference,
        p_equivalence=None if min_difference is None else equivalence(found, min_difference),
    )
