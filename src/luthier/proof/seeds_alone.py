"""Two sets of finished runs, known by one score each: Welch's test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import Verdict
from luthier.proof.detectable import detectable, seeds_to_see
from luthier.proof.equivalence import equivalence
from luthier.proof.judge import decide
from luthier.proof.student import t_ppf
from luthier.proof.superiority import superiority
from luthier.proof.two_way import two_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def judge_seeds(
    candidate: Sequence[float],
    baseline: Sequence[float],
    *,
    level: float = 0.05,
    min_difference: float | None = None,
) -> Verdict:
    """Judge two recipes by the scores of some runs of each, on the same rows.

    Welch's (1947) t-test and its interval. It holds for fresh runs on these rows; how other rows
    would come out it cannot say.

    Args:
        candidate: Score of each run, larger being better; two at least.
        baseline: The same of the other recipe.
        level: What the p-value must not exceed.
        min_difference: Differences below it do not matter; None if every one does.

    >>> judge_seeds([0.95, 0.96, 0.955], [0.90, 0.91, 0.905]).verdict
    'better'
    >>> judge_seeds([0.95, 0.90, 0.93], [0.92, 0.91, 0.94]).verdict
    'undecided'
    """
    # A table whose rows are all alike: what two_way knows of rows is then nothing.
    tables = [
        np.repeat(np.asarray(one, np.float64)[:, None], 2, axis=1) for one in (candidate, baseline)
    ]
    found = two_way(*tables)
    reach = float(t_ppf(0.975, found.seed_freedom)) * found.seed_error
    interval = (found.difference - reach, found.difference + reach)
    more = seeds_to_see(found, found.difference, alpha=level) - found.seeds
    return Verdict(
        verdict=decide(found, interval, level, min_difference),
        difference=found.difference,
        interval=interval,
        seed_interval=interval,
        p_value=found.p_value,
        level=level,
        superiority=superiority(np.asarray(candidate), np.asarray(baseline)),
        seeds=found.seeds,
        rows=0,
        detectable=detectable(found, alpha=level),
        more_seeds=max(more, 0),
        min_difference=min_difference,
        p_equivalence=None if min_difference is None else equivalence(found, min_difference),
    )
