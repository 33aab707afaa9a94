"""A sweep of rates finds the valley, stays away from the edge, and refuses where nothing learns."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from luthier.core import Float, RateRange, RateRun
from luthier.search.rates import Sweep, verdict
from luthier.search.rates.verdict import best_rate, edge

RATES = Float(1e-4, 1e-1, log=True)
Landscape = Callable[[float, int, int], tuple[float, bool]]


def valley(best: float, unstable: float = math.inf, noise: float = 0.01) -> Landscape:
    """Return the losses of a network whose best rate is known, and its edge of stability."""

    def train(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
        if rate >= unstable:
            return math.inf, False
        draw = np.random.default_rng([seed, round(1e6 * math.log(rate) + 1e8)]).normal()
        return 0.2 + 0.1 * math.log10(rate / best) ** 2 + noise * draw, True

    return train


def swept(
    train: Landscape,
    *,
    guess: float = 1.0,
    enough: float = 0.01,
    seeds: int | None = 1,
    seconds: float = 0.0,
) -> RateRange:
    sweep, runs = Sweep(RATES, 40, enough, seeds), list[RateRun]()
    for _ in range(40):
        asked = sweep.wanted(runs)
        if not asked:
            return verdict(runs, "adamw", enough=enough)
        for one in asked:
            loss, stable = train(one.rate, one.seed, one.epochs)
            gain = guess - loss if loss < math.inf else None
            cause = None if loss < math.inf else "nan_loss"
            took = seconds * one.epochs
            runs.append(RateRun(one.rate, one.seed, one.epochs, loss, stable, gain, cause, took))
    raise AssertionError("the sweep does not end")


class TestSuggested:
    @pytest.mark.parametrize("best", [3e-4, 2e-3, 3e-2])
    def test_it_lies_in_the_valley(self, best: float):
        found = swept(valley(best))
        assert found.suggested is not None
        assert best / 2.5 < found.suggested < 2.5 * best
        assert found.usable is not None
        assert found.usable[0] <= best <= found.usable[1]

    @pytest.mark.parametrize("best", [2e-6, 2.0])
    def test_a_valley_beyond_the_range_is_followed(self, best: float):
        found = swept(valley(best))
        assert found.suggested is not None
        assert best / 2.5 < found.suggested < 2.5 * best

    def test_next_to_the_edge_there_is_head_room(self):
        found = swept(valley(1e-2, unstable=1.2e-2))
        assert found.suggested is not None
        assert found.edge is not None
        assert found.suggested <= found.edge / 2
        assert found.edge >= 1.2e-2

    def test_an_edge_that_only_twice_the_rate_shows_counts(self):
        runs = [RateRun(1e-2, s, 20, 0.2, stable=True, gain=0.8) for s in (1, 2, 3)]
        assert best_rate(runs) == 1e-2
        assert best_rate([*runs, RateRun(1.2e-2, 1, 10)]) == 0.6e-2

    def test_rates_too_low_to_be_stable_are_no_edge(self):
        runs = [RateRun(1e-6, 0, 10, 5.0, stable=False), RateRun(1e-3, 0, 10, 0.2, stable=True)]
        assert edge(runs) is None


class TestCollapse:
    """A rate that ends at guessing is past the edge, though every loss was a number."""

    @staticmethod
    def train(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
        if rate > 0.03:
            return 0.999, True
        return valley(1e-2)(rate, seed, epochs)

    def test_it_is_an_edge(self):
        found = swept(self.train)
        assert found.edge is not None
        assert 0.03 < found.edge < 0.1
        assert found.suggested is not None
        assert found.suggested <= found.edge / 2

    def test_it_does_not_bend_the_valley(self):
        found = swept(self.train)
        assert found.suggested is not None
        assert 0.5e-2 < found.suggested < 2e-2

    def test_a_low_rate_that_gains_little_yet_is_none(self):
        runs = [
            RateRun(rate, 0, 10, 1 - gain, stable=True, gain=gain)
            for rate, gain in [(1e-5, 0.001), (1e-3, 0.5), (1e-2, 0.8), (1e-1, 0.3)]
        ]
        assert edge(runs) is None


class TestMiddle:
    """The middle of the rates that seeds cannot tell from the best."""

    @staticmethod
    def runs(means: Sequence[float], noise: float) -> list[RateRun]:
        return [
            RateRun(rate, seed, 20, mean + noise * (seed - 2), stable=True, gain=0.8)
            for rate, mean in zip((1e-3, 2e-3, 4e-3), means, strict=False)
            for seed in (1, 2, 3)
        ]

    def test_equals_give_their_middle(self):
        assert best_rate(self.runs((0.2, 0.2, 0.2), 0.02)) == pytest.approx(2e-3)

    def test_one_that_is_clearly_best_is_taken(self):
        assert best_rate(self.runs((0.2, 0.3, 0.4), 0.01)) == pytest.approx(1e-3, rel=0.01)

    def test_without_noise_the_best_is_taken(self):
        assert best_rate(self.runs((0.3, 0.3, 0.2), 0.0)) == 4e-3

    def test_a_steep_side_does_not_move_it(self):
        valley = (0.202, 0.2, 0.201)
        beyond = [RateRun(8e-3, s, 20, 3.0 + s / 100, stable=True, gain=0.8) for s in (1, 2, 3)]
        alone = best_rate(self.runs(valley, 0.005))
        assert alone is not None
        assert best_rate([*self.runs(valley, 0.005), *beyond]) == pytest.approx(alone, rel=0.01)

    def test_rates_are_compared_by_the_seeds_that_both_had(self):
        """The better rate's fourth seed is an unlucky one, and would have been for the other."""
        unlucky = RateRun(1e-3, 4, 20, 0.3, stable=True, gain=0.7)
        found = best_rate([*self.runs((0.2, 0.21), 0.001), unlucky])
        assert found is not None
        assert found < math.sqrt(1e-3 * 2e-3)


class TestRace:
    """Whole trainings decide, and go to the rates that are close."""

    @staticmethod
    def whole(found: RateRange) -> dict[float, int]:
        counts: dict[float, int] = {}
        for run in found.runs:
            if run.epochs == 40:
                counts[run.rate] = counts.get(run.rate, 0) + 1
        return counts

    @pytest.mark.parametrize("seeds", [1, 3, 8])
    def test_four_rates_have_twice_the_seeds_two_of_them_four_times(self, seeds: int):
        found = swept(valley(1e-2, noise=0.003), seeds=seeds)
        most = sorted((count / seeds for count in self.whole(found).values()), reverse=True)
        assert most[:5] == [4, 4, 2, 2, 1]

    @pytest.mark.parametrize(
        ("seconds", "seeds"), [(1e-4, 8), (0.25 / 40, 8), (1 / 40, 2), (1.0, 1)]
    )
    def test_there_are_as_many_seeds_as_half_a_minute_allows(self, seconds: float, seeds: int):
        found = swept(valley(1e-2), seeds=None, seconds=seconds)
        assert max(self.whole(found).values()) == 4 * seeds

    def test_more_seeds_come_closer(self):
        def far(best: float, seeds: int) -> float:
            found = swept(valley(best, noise=0.02), seeds=seeds).suggested
            return abs(math.log10((found or math.inf) / best))

        bests = np.geomspace(1e-3, 3e-2, 24)
        few, many = (np.mean([far(best, seeds) for best in bests]) for seeds in (1, 8))
        assert many < 0.7 * few

    def test_those_next_to_the_best_have_most(self):
        found = swept(valley(1e-2, noise=0.003))
        most = [rate for rate, seeds in self.whole(found).items() if seeds == 4]
        assert all(0.4 < rate / 1e-2 < 2.5 for rate in most)

    @pytest.mark.parametrize("best", [3e-4, 2e-3, 3e-2])
    def test_one_seed_takes_less_than_twenty_trainings(self, best: float):
        assert 14 <= swept(valley(best)).epochs / 40 <= 20

    def test_what_whole_trainings_say_has_the_word(self):
        def shifts(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
            best = 1e-2 if epochs < 40 else 5e-3
            return 0.2 + 0.2 * math.log10(rate / best) ** 2, True

        found = swept(shifts)
        assert found.suggested == pytest.approx(5e-3, rel=0.2)


class TestRefusals:
    def test_where_every_rate_fails_it_says_how(self):
        found = swept(lambda rate, seed, epochs: (math.inf, False))
        assert found.suggested is None
        assert "nan_loss" in found.reason

    def test_where_nothing_beats_guessing_it_has_tried_the_full_length(self):
        def flat(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
            return 0.999 + 0.001 * seed, True

        found = swept(flat)
        assert found.suggested is None
        assert "nothing learns" in found.reason
        assert {run.epochs for run in found.runs if run.seed} == {40}

    def test_one_lucky_training_does_not_convince(self):
        def lucky(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
            return (0.97 if seed == 0 and rate > 0.05 else 1.0), True

        assert swept(lucky).suggested is None

    def test_slow_learners_are_not_refused(self):
        def slow(rate: float, seed: int, epochs: int) -> tuple[float, bool]:
            return (0.5 + abs(math.log10(rate / 1e-2)) / 10 if epochs == 40 else 0.998), True

        assert swept(slow).suggested is not None


def test_without_a_loss_of_guessing_any_score_counts_as_learning():
    runs = [RateRun(1e-2, s, 20, 0.2 + s / 100, stable=True) for s in (1, 2, 3)]
    assert verdict(runs, "sgd").suggested == 0.01
