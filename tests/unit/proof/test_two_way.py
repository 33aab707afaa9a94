"""The test of a difference keeps its level at three seeds, whichever noise dominates."""

import numpy as np
import pytest

from luthier.proof import corrected_resampled, judge, pseudovalues, spending, two_way
from luthier.proof.bootstrap import interval
from luthier.proof.detectable import detectable, seeds_to_see
from luthier.proof.pseudovalues import blocks

STUDIES = 400
# Three standard errors above 5 % in 400 studies: a level of 5 % fails once in 700 tests.
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / STUDIES)


def null(rng, seeds, by_seed, by_row, rest, rows=100, gain=0.0):
    """Return the tables of two recipes whose rows are equally hard in part, and trainings not."""
    hard = rng.normal(size=(1, rows))
    return [
        by_seed * rng.normal(size=(seeds, 1))
        + hard
        + by_row * rng.normal(size=(1, rows)) / np.sqrt(2)
        + rest * rng.normal(size=(seeds, rows))
        + one
        for one in (gain, 0.0)
    ]


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    "noise",
    [(1, 0, 1), (0.1, 1, 1), (0, 1, 0.3)],
    ids=["seeds dominate", "both count", "rows dominate"],
)
def test_of_null_studies_one_in_twenty_is_called_different(seeds: int, noise):
    rng = np.random.default_rng([seeds, 7])
    claims = [two_way(*null(rng, seeds, *noise)).p_value <= 0.05 for _ in range(STUDIES)]
    assert np.mean(claims) <= MOST


@pytest.mark.parametrize("noise", [(1, 0, 1), (0.1, 1, 1)], ids=["seeds dominate", "both count"])
def test_two_seeds_keep_to_five_percent_at_the_level_that_they_get(noise):
    rng = np.random.default_rng(8)
    (level,) = spending((2,))
    claims = [two_way(*null(rng, 2, *noise)).p_value <= level for _ in range(STUDIES)]
    assert np.mean(claims) <= MOST


@pytest.mark.parametrize("noise", [(1, 0, 1), (0.1, 1, 1)], ids=["seeds dominate", "both count"])
def test_the_interval_covers_the_truth_with_three_seeds(noise):
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(STUDIES):
        low, high = interval(*null(rng, 3, *noise, gain=0.3), rng, draws=500)
        hits += low <= 0.3 <= high
    assert hits / STUDIES >= 0.92


def test_a_seed_that_differs_is_no_proof_even_on_many_rows():
    lucky = np.array([[1.0], [0.1], [-0.2]]) + np.zeros((1, 10_000))
    assert two_way(lucky, np.zeros_like(lucky)).p_value > 0.3


def test_a_small_gain_that_every_seed_and_row_agree_on_is_proof():
    rng = np.random.default_rng(0)
    assert two_way(*null(rng, 3, 0.01, 0.1, 0.1, rows=400, gain=0.1)).p_value < 0.01


def test_the_same_predictions_are_no_difference():
    rows = np.repeat(np.random.default_rng(0).normal(size=(1, 50)), 3, axis=0)
    same = judge(rows, rows)
    assert (same.verdict, same.p_value, same.difference) == ("undecided", 1.0, 0.0)
    assert judge(rows, rows, min_difference=0.01).verdict == "equivalent"


def test_better_and_worse_are_mirror_images():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(1, 200)) + 0.1 * rng.normal(size=(5, 200))
    good = base + 0.3 + 0.1 * rng.normal(size=(5, 200))
    there, back = judge(good, base), judge(base, good)
    assert (there.verdict, back.verdict) == ("better", "worse")
    assert there.difference == pytest.approx(-back.difference)
    assert there.superiority == 1 - back.superiority


def test_looks_spend_five_percent_together():
    assert sum(spending()) == pytest.approx(0.05)
    assert sum(spending((3, 5))) == pytest.approx(0.05)


def test_more_seeds_help_only_against_noise_of_seeds():
    rng = np.random.default_rng(2)
    noisy_seeds = two_way(*null(rng, 3, 1, 0.1, 0.1))
    noisy_rows = two_way(*null(rng, 3, 0, 5, 0.1))
    assert detectable(noisy_seeds, seeds=10) < detectable(noisy_seeds) / 2
    assert seeds_to_see(noisy_rows, 0.1) == float("inf")


def test_overlapping_splits_are_worth_less_than_independent_ones():
    gains = [0.1, 0.2, 0.15, 0.05, 0.1]
    independent, overlapping = corrected_resampled(gains, 0.0), corrected_resampled(gains, 0.25)
    assert independent[0] < overlapping[0]
    assert independent[1] < overlapping[1]


def test_pseudovalues_of_a_score_that_is_no_mean_have_its_error():
    rng = np.random.default_rng(4)
    errors = rng.normal(0, 2, 4000) ** 2
    kept = (np.setdiff1d(np.arange(4000), part) for part in blocks(np.arange(4000)))
    without = np.array([np.sqrt(errors[rows].mean()) for rows in kept])
    values = pseudovalues(float(np.sqrt(errors.mean())), without)
    assert values.mean() == pytest.approx(np.sqrt(errors.mean()))
    # The standard error of a standard deviation of normal numbers: sigma / sqrt(2 n).
    assert values.std() / np.sqrt(len(values)) == pytest.approx(2 / np.sqrt(8000), rel=0.15)


def test_rows_of_a_group_stay_in_one_block():
    groups = np.arange(3000) // 3
    parts = blocks(groups, most=50)
    assert len(parts) == 50
    assert sum(len(set(groups[part])) for part in parts) == 1000
