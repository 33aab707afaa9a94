"""Which trainings a sweep of learning rates needs next: a pure function of those so far."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from luthier.core import Float, RateRun
from luthier.search.rates.verdict import (
    best_rate,
    by_rate,
    edge,
    learns,
    near,
)


@dataclass(frozen=True)
class Sweep:
    """Wide and short first, then a race at full length about the best, then twice the rate.

    Never a ramp within one training: there the loss of a step tells of the steps before it, and one
    noisy curve decides. Every training here is whole: its own schedule runs to its end. Those that
    decide are as long as the one that the rate is for: half of it has another best rate where the
    loss is steep.

    The race is successive halving over seeds (Jamieson and Talwalkar 2016): each rate about the
    best is trained with `seeds` seeds, the best four with twice, the best two with four times as
    many. Trainings go where the choice is close: about 14 full ones for each of `seeds`. On forty
    networks and their data 1, 2, 4 and 8 seeds suggest what fresh ones cannot tell from the best of
    a fine grid in 85, 87, 90 and 92 of 100 cases (``benchmarks/README.md``).

    Args:
        rates: Range to look at first. It grows where the best rate lies at one of its ends.
        full: Epochs of the training that the rate is for.
        enough: Gain over guessing that is no luck, as in `verdict`.
        seeds: Trainings of each rate about the best; None: as many as are done in `patience`, eight
            at most.
        patience: Seconds that the race may take, judged by what the first look took. Half a minute
            is eight seeds of whatever trains in a quarter of a second.
        again: Seeds that decide where nothing seems to learn, and those of twice the rate: three
            show a spread.
        short: Length of the first look, as a share of a full training; three epochs at least.
        step: Factor between rates of the first look, half an order of magnitude.
        limits: Rates beyond them are nonsense for any optimizer.
    """

    rates: Float
    full: int
    enough: float = 0.0
    seeds: int | None = None
    patience: float = 30.0
    again: int = 3
    short: float = 0.25
    step: float = field(default=math.sqrt(10))
    limits: tuple[float, float] = (1e-7, 30.0)

    def wanted(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Return the trainings that come next; none when enough is known."""
        for stage in (self._wide, self._hopeless, self._race, self._twice):
            asked = [run for run in stage(runs) if not _has(runs, run)]
            if asked:
                return asked
        return []

    def length(self, share: float) -> int:
        """Return the epochs of a share of a full training.

        >>> Sweep(Float(1e-4, 1e-1, log=True), 40).length(0.25)
        10
        """
        return min(max(round(share * self.full), 3), self.full)

    def _wide(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Look over the range once, and beyond its ends where the best lies there."""
        length, seed = self.length(self.short), 0
        count = max(round(math.log(self.rates.high / self.rates.low) / math.log(self.step)), 1)
        grid = [self.rates.low * self.step**i for i in range(count + 1)]
        first = [RateRun(rate, seed, length) for rate in grid]
        there = [run for run in runs if (run.seed, run.epochs) == (seed, length)]
        if len(there) < len(first):
            return first
        best = min(there, key=lambda run: (run.loss, run.rate))
        lowest, highest = (end(run.rate for run in there) for end in (min, max))
        if best.loss < math.inf and not learns(there, self.enough):
            return []
        if best.loss == math.inf or best.rate == lowest:
            more = lowest / self.step
            return [RateRun(more, seed, length)] if more >= self.limits[0] else []
        top = max(there, key=lambda run: run.rate)
        if best.rate == highest and top.stable and highest * self.step <= self.limits[1]:
            return [RateRun(highest * self.step, seed, length)]
        return []

    def _hopeless(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Where nothing has learnt, give the best rate and a usual one their full length."""
        if learns(runs, self.enough) or all(run.loss == math.inf for run in runs):
            return []
        rates = self._slow([run for run in runs if run.seed == 0])
        return self._whole(rates, self.again)

    def _slow(self, wide: Sequence[RateRun]) -> tuple[float, float]:
        """Return the rate that gained most though it learnt nothing, and a usual one."""
        best = max(wide, key=lambda run: (-math.inf if run.gain is None else run.gain, -run.rate))
        return best.rate, self.rates.at(0.5)

    def _race(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Train the rates about the best whole; follow where they lead; repeat those that lead."""
        if not learns(runs, self.enough):
            return []
        seen = self._often(runs)
        field = self._about(self._start(runs), [run for run in runs if 1 <= run.seed <= seen])
        asked = self._whole(field, seen)
        for kept in (4, 2):
            if any(not _has(runs, run) for run in asked):
                return asked
            levels = by_rate([run for run in runs if run.seed <= seen], field, self.full)
            ranked = sorted((level.mean, rate) for rate, level in levels.items())
            field, seen = [rate for mean, rate in ranked[:kept] if mean < math.inf], 2 * seen
            asked = self._whole(field, seen)
        return asked

    def _often(self, runs: Sequence[RateRun], *, most: int = 8, rates: int = 14) -> int:
        """Return how many seeds each rate about the best has.

        Args:
            runs: Trainings so far; those of the first look say what one takes.
            most: With eight the best two have 32, and their means are known to a sixth of a
                deviation.
            rates: Whole trainings for each seed: six rates, four twice, two four times.
        """
        if self.seeds is not None:
            return self.seeds
        looks = [run.seconds / run.epochs for run in runs if run.seed == 0]
        once = rates * self.full * statistics.median(looks)
        return most if most * once <= self.patience else max(int(self.patience / once), 1)

    def _whole(self, rates: Sequence[float], seeds: int) -> list[RateRun]:
        return [RateRun(rate, seed, self.full) for rate in rates for seed in range(1, seeds + 1)]

    def _start(self, runs: Sequence[RateRun]) -> float:
        """Return the rate that looked best at first; of slow learners, at full length."""
        wide = [run for run in runs if run.seed == 0]
        if learns(wide, self.enough):
            return min(wide, key=lambda run: (run.loss, run.rate)).rate
        whole = by_rate([r for r in runs if r.seed <= self.again], self._slow(wide), self.full)
        return min(whole, key=lambda rate: (whole[rate].mean, rate))

    def _about(self, best: float, once: Sequence[RateRun]) -> list[float]:
        """Return rates a quarter of an order apart about the best, and beyond a better end."""
        half = math.sqrt(self.step)
        rates = [best * half**i for i in (-2, -1, 0, 1, 2)]
        for _ in range(4):
            seen = by_rate(once, rates, self.full)
            if len(seen) < len(rates):
                break
            better = min(seen, key=lambda rate: (seen[rate].mean, rate))
            if near(better, min(rates)):
                rates = [min(rates) / half, *rates]
            elif near(better, max(rates)) and seen[better].stable:
                rates = [*rates, max(rates) * half]
            else:
                break
        return [rate for rate in rates if self.limits[0] <= rate <= self.limits[1]]

    def _twice(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Train at twice the rate that would be suggested: it has to be stable (head-room)."""
        if not learns(runs, self.enough):
            return []
        rate = best_rate(runs)
        if rate is None or (edge(runs) or math.inf) <= 2 * rate:
            return []
        seeds = range(1, self.again + 1)
        return [RateRun(2 * rate, seed, self.length(self.short)) for seed in seeds]


def _has(runs: Sequence[RateRun], asked: RateRun) -> bool:
    return any(
        near(run.rate, asked.rate) and (run.seed, run.epochs) == (asked.seed, asked.epochs)
        for run in runs
    )
