"""A last look at trainings that go now well, now badly: by the ranks of their scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from luthier.core import Verdict
from luthier.proof import BETTER, judge_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def by_ranks(candidate: Array, baseline: Array, verdict: Verdict) -> Verdict:
    """Return better where ranks of seeds and means of rows both say so; else what was judged.

    A fault that strikes every second seed makes losses of two kinds, whose mean eight trainings
    do not know: 0.2, 0.6, 0.2, 0.9 against 0.1 each time passes for chance by a t-test. That each
    training after beats each one before does not. Better needs both tests, so that either's level
    is kept: Mann and Whitney's (1947) exact one over seeds, and a paired one over rows, for other
    rows could rank otherwise. Half of the look's level is this test's; the first had the other.

    Args:
        candidate: (seeds, rows), larger being better.
        baseline: The same rows, with seeds of its own.
        verdict: What the two-way analysis came to.

    >>> import numpy as np
    >>> from luthier.proof import judge
    >>> good = np.full((8, 50), -0.1) + np.linspace(-0.01, 0.01, 50)
    >>> bad = good - np.array([0.02, 0.9, 0.03, 0.02, 0.04, 0.03, 0.02, 0.05])[:, None]
    >>> found = judge(good, bad, level=0.007)
    >>> found.verdict, by_ranks(good, bad, found).verdict, by_ranks(bad, good, found).verdict
    ('undecided', 'better', 'undecided')
    """
    scores = candidate.mean(axis=1), baseline.mean(axis=1)
    by_seed = exact(*(one.tolist() for one in scores))
    by_row = judge_rows(candidate.mean(axis=0), baseline.mean(axis=0), level=verdict.level)
    p_value = max(by_seed, by_row.p_value)
    if by_row.verdict != BETTER or p_value > verdict.level:
        return verdict
    return replace(verdict, verdict=BETTER, p_value=p_value)


def exact(candidate: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the two-sided p-value of the ranks of scores; 1 where the candidate's are not larger.

    Ties count against the candidate.

    >>> round(exact([4.0, 5.0, 6.0], [1.0, 2.0, 3.0]), 3), exact([1.0, 2.0], [3.0, 4.0])
    (0.1, 1.0)
    """
    n, m = len(candidate), len(baseline)
    lost = sum(other >= one for one in candidate for other in baseline)
    ways = [_ways(n, m, count) for count in range(n * m + 1)]
    return min(1.0, 2 * sum(ways[: lost + 1]) / sum(ways))


@cache
def _ways(n: int, m: int, lost: int) -> int:
    """Return in how many orders of n and m scores that many of their pairs are lost."""
    if lost < 0:
        return 0
    if n == 0 or m == 0:
        return int(lost == 0)
    return _ways(n - 1, m, lost - m) + _ways(n, m - 1, lost)
