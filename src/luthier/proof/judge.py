"""Judge: from scores by seed and row to better, worse, equivalent or undecided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import Verdict
from luthier.proof.bootstrap import interval
from luthier.proof.detectable import detectable, seeds_to_see
from luthier.proof.equivalence import equivalence
from luthier.proof.student import t_ppf
from luthier.proof.superiority import superiority
from luthier.proof.two_way import Estimate, two_way

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

METHOD = (
    "two-way analysis of seeds and test rows, rows paired, degrees of freedom by Welch and "
    "Satterthwaite; interval by a bootstrap on both levels"
)
SPENT = "; levels by Lan and DeMets' spending"
BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"


def judge(
    candidate: Array,
    baseline: Array,
    *,
    level: float = 0.05,
    min_difference: float | None = None,
    seed: int = 0,
) -> Verdict:
    """Judge a candidate by what each row contributes to its score, in each of some trainings.

    Args:
        candidate: (seeds, rows), larger being better.
        baseline: The same rows, with seeds of its own.
        level: Of this look: what `spending` gives it.
        min_difference: Differences below it do not matter; None if every one does.
        seed: Of the bootstrap.

    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(0, 1, (1, 300))
    >>> noise = [rows + rng.normal(0, 0.1, (3, 300)) for _ in range(2)]
    >>> judge(noise[0] + 0.2, noise[1]).verdict, judge(*noise).verdict
    ('better', 'undecided')
    >>> judge(*noise, min_difference=0.05).verdict
    'equivalent'
    """
    found = two_way(candidate, baseline)
    reach = interval(candidate, baseline, np.random.default_rng(seed))
    noise = float(t_ppf(0.975, found.seed_freedom)) * found.seed_error
    return Verdict(
        verdict=decide(found, reach, level, min_difference),
        difference=found.difference,
        interval=reach,
        seed_interval=(found.difference - noise, found.difference + noise),
        p_value=found.p_value,
        level=level,
        superiority=superiority(np.mean(candidate, axis=1), np.mean(baseline, axis=1)),
        seeds=found.seeds,
        rows=found.rows,
        detectable=detectable(found, alpha=level),
        more_seeds=max(seeds_to_see(found, found.difference, alpha=level) - found.seeds, 0),
        min_difference=min_difference,
        p_equivalence=None if min_difference is None else equivalence(found, min_difference),
    )


def decide(found: Estimate, reach: tuple[float, float], level: float, margin: float | None) -> str:
    """Return a verdict; claim only what test and interval agree on.

    Args:
        found: Says how surely there is a difference.
        reach: Its interval.
        level: What its p-value must not exceed.
        margin: Smaller differences do not matter; None where all do.
    """
    low, high = reach
    if margin is not None and -margin < low and high < margin:
        return EQUIVALENT
    if found.p_value <= level and not low <= 0 <= high:
        return BETTER if found.difference > 0 else WORSE
    return UNDECIDED
