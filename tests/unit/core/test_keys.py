"""Keyed randomness: the same numbers in every array library, evenly spread, and for good."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from luthier.core.keys import MASK, bits, fold, mix, threshold

SEEDS = [0, 1, 7, 2**31, 2**32 - 1, 2**32, 2**40 + 3, -1]
MIXED = [0, 1753845952, 3507691905, 1734902346]
FOLDED = [(1032951363, 2431366851), (2198449848, 2400560952), (1051187089, 3139197068)]
DRAWN = [804200412, 2856183691, 1945309976]


class TestKnownValues:
    """Other numbers would change every study that is stored."""

    def test_the_hash(self):
        assert [mix(n) for n in (0, 1, 2, MASK)] == MIXED

    def test_a_key(self):
        assert [fold(0), fold(7, 3), fold(2**40, 1, 2)] == FOLDED

    def test_bits(self):
        assert [bits(fold(7, 3), n) for n in range(3)] == DRAWN

    def test_the_hash_is_one_to_one(self):
        """As a finaliser must be: an odd product and shifted xors lose nothing."""
        assert len(np.unique(mix(np.arange(2**16, dtype=np.int64)))) == 2**16


class TestArrays:
    POSITIONS = (0, 1, 2, 3, 1000, 2**20, 2**31 - 1, 2**31, 2**32 - 1)

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("kind", ["numpy int64", "numpy uint32", "torch int64"])
    def test_they_hold_the_numbers_that_python_computes(self, kind: str, seed: int):
        library, dtype = kind.split()
        key = fold(seed, 5, 2)
        expected = [bits(key, n) for n in self.POSITIONS]
        array = np.array(self.POSITIONS, dtype)
        positions = torch.from_numpy(array) if library == "torch" else array
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            drawn = bits(key, positions)
        assert drawn.dtype == positions.dtype
        assert drawn.tolist() == expected

    def test_the_shape_stays(self):
        assert bits(fold(0), np.zeros((2, 3), np.int64)).shape == (2, 3)


class TestSpread:
    """Chance alone fails none of these: the numbers never change."""

    @pytest.mark.parametrize("shift", [0, 8, 16, 24])
    def test_every_byte_of_the_bits_is_uniform(self, shift: int):
        drawn = bits(fold(1, 2, 3), np.arange(2**16, dtype=np.int64))
        counts = np.bincount((drawn >> shift) & 255, minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-3

    @pytest.mark.parametrize("counter", ["seed", "step", "call"])
    def test_neighbouring_keys_draw_uniformly_at_one_position(self, counter: str):
        keys = {
            "seed": [fold(n, 0, 0) for n in range(4096)],
            "step": [fold(0, n, 0) for n in range(4096)],
            "call": [fold(0, 0, n) for n in range(4096)],
        }[counter]
        counts = np.bincount([bits(key, 0) >> 26 for key in keys], minlength=64)
        assert stats.chisquare(counts).pvalue > 1e-3

    def test_neighbouring_keys_draw_independently(self):
        positions = np.arange(20_000, dtype=np.int64)
        drawn = [bits(fold(0, step, 0), positions) / 2**32 for step in range(4)]
        for one, other in itertools.combinations(drawn, 2):
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.03

    def test_each_counter_has_its_own_place(self):
        keys = [fold(a, b, c) for a, b, c in itertools.product(range(6), repeat=3)]
        assert len({*keys, fold(1), fold(1, 0), fold(2**32 + 1), fold(-1)}) == len(keys) + 4


class TestThreshold:
    @pytest.mark.parametrize(
        ("probability", "bound"), [(0.0, 0), (0.25, 2**30), (0.5, 2**31), (1.0, 2**32)]
    )
    def test_it_is_the_share_of_all_numbers(self, probability: float, bound: int):
        assert threshold(probability) == bound

    @pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9, 1.0])
    def test_bits_fall_below_it_with_its_probability(self, probability: float):
        drawn = bits(fold(3), np.arange(100_000, dtype=np.int64))
        share = (drawn < threshold(probability)).mean()
        assert share == pytest.approx(probability, abs=0.005)
        assert share in (0.0, 1.0) or 0 < probability < 1
