"""The last look of a proof: ranks of seeds, and means of rows."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from luthier.loop.repair.ranks import by_ranks, exact
from luthier.proof import judge

RNG = np.random.default_rng(0)
ROWS = RNG.normal(0, 0.1, 60)
NOW_WELL_NOW_BADLY = np.array([0.03, 0.9, 0.04, 0.03, 0.05, 0.04, 1.4, 0.03])


def judged(candidate, baseline):
    found = judge(candidate, baseline, level=0.007)
    return found, by_ranks(candidate, baseline, found)


@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 5), (8, 8), (4, 7)])
def test_the_p_value_is_that_of_the_exact_test(n, m):
    for shift in (0.0, 0.5, 3.0):
        a, b = RNG.normal(shift, 1, n), RNG.normal(0, 1, m)
        one_sided = mannwhitneyu(a, b, alternative="greater", method="exact").pvalue
        assert exact(a.tolist(), b.tolist()) == pytest.approx(min(1.0, 2 * one_sided))


def test_what_always_does_better_than_what_now_does_well_now_badly_is_better():
    good = np.tile(ROWS, (8, 1))
    first, last = judged(good, good - NOW_WELL_NOW_BADLY[:, None])
    assert (first.verdict, last.verdict) == ("undecided", "better")
    assert last.p_value <= 0.007


def test_one_row_that_makes_all_the_difference_is_no_proof():
    good = np.tile(ROWS, (8, 1))
    bad = good.copy()
    bad[:, 0] -= 60 * NOW_WELL_NOW_BADLY
    assert judged(good, bad)[1].verdict == "undecided"


def test_nothing_is_called_worse_or_better_by_chance():
    claims = 0
    for _ in range(300):
        a, b = (ROWS + RNG.standard_cauchy((8, 1)) for _ in range(2))
        claims += judged(a, b)[1].verdict == "better"
    assert claims <= 8  # 2 are expected: 0.007 of 300, of which half are on this side
