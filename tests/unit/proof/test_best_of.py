"""Whether enough points were tried."""

from itertools import pairwise

import numpy as np
import pytest

from luthier.proof.best_of import chance_best, expected_best


def test_the_expected_best_is_that_of_draws_with_replacement():
    losses = [0.3, 0.1, 0.7, 0.4]
    rng = np.random.default_rng(0)
    for draws, expected in enumerate(expected_best(losses), start=1):
        drawn = rng.choice(losses, size=(20_000, draws)).min(axis=1).mean()
        assert expected == pytest.approx(drawn, abs=0.01)


def test_more_points_never_make_the_expected_best_worse():
    curve = expected_best(np.random.default_rng(1).normal(size=20).tolist())
    assert all(later <= earlier for earlier, later in pairwise(curve))


def test_a_single_lucky_point_is_not_sure_to_win_again():
    rng = np.random.default_rng(0)
    lucky, steady = chance_best([[0.10, 0.9, 0.9, 0.9], [0.11, 0.12, 0.12, 0.13]], rng)
    assert 0.6 < lucky < 0.75  # 1 - (3/4)^4: how often the lucky point is drawn at all
    assert lucky + steady == pytest.approx(1.0)


def test_equal_groups_share_the_chance():
    shares = chance_best([[1.0], [1.0]], np.random.default_rng(0))
    assert shares == (0.5, 0.5)
