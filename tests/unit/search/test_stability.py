"""Stable or not: what some hundred losses say."""

import math
import random

import pytest

from luthier.search.rates.stability import clip_norm, clipped, unstable, warmups

DRAW = random.Random(0)


def noisy(curve, noise: float = 0.3):
    return [value * math.exp(noise * DRAW.gauss(0, 1)) for value in curve]


@pytest.mark.parametrize(
    "curve",
    [
        [2.3 * math.exp(-step / 100) for step in range(500)],
        [2.3] * 500,
        [2.3 - 0.001 * step for step in range(500)],
        [2.3] * 20 + [1.0] * 480,
    ],
    ids=["falls", "flat", "slowly", "step"],
)
def test_noise_is_not_unstable(curve):
    assert all(unstable(noisy(curve)) is None for _ in range(20))


def test_one_odd_batch_is_not_unstable():
    losses = [2.3 * math.exp(-step / 100) for step in range(500)]
    losses[250] = 50.0
    assert unstable(losses) is None


@pytest.mark.parametrize(
    ("curve", "told"),
    [
        ([2.3] * 30 + [math.inf], "not a number at step 31"),
        ([2.3] * 30 + [40.0] * 20 + [1.0] * 450, "the loss rose to 40"),
        ([2.3 * 1.02**step for step in range(100)], "the loss rose to"),
        ([2.3 * 1.001**step for step in range(200)], "the loss ends at"),
    ],
    ids=["nan", "spike", "diverges", "climbs"],
)
def test_what_is_unstable_is_told(curve, told):
    assert told in unstable(curve)


def test_a_warm_up_is_at_most_a_tenth_of_a_training():
    assert warmups(10_000_000) == [10, 1_000, 10_000, 100_000]
    assert warmups(9_999) == [10]
    assert warmups(99) == []


def test_clipping_is_at_the_ninetieth_percentile():
    norms = [float(n) for n in range(1, 101)]
    limit = clip_norm([*norms, math.nan])
    assert limit == 90
    assert clipped(norms, limit) == pytest.approx(0.1)
    assert clip_norm([math.nan]) is None
    assert clip_norm([0.0]) is None
