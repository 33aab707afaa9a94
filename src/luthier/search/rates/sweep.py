"""Which trainings a sweep of learning rates needs next: a pure function of those so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from luthier.core import Float, RateRun
from luthier.search.rates.verdict import (
    best_rate,
    by_rate,
    edge,
    learns,
    near,
    spread,
)


@dataclass(frozen=True)
class Sweep:
    """Wide and short first, then narrow, longer and with several seeds, then twice the rate.

    Never a ramp within one training: there the loss of a step tells of the steps before it, and one
    noisy curve decides. Every training here is whole: its own schedule runs to its end, over fewer
    epochs than the one that the rate is for.

    Args:
        rates: Range to look at first. It grows where the best rate lies at one of its ends.
        full: Epochs of the training that the rate is for.
        enough: Gain over guessing that is no luck, as in `verdict`.
        seeds: Trainings of each rate that comes close, and of twice the rate: three show a spread.
        short: Length of the first look, as a share of a full training; three epochs at least.
        longer: Of the second.
        step: Factor between rates of the first look, half an order of magnitude.
        limits: Rates beyond them are nonsense for any optimizer.
    """

    rates: Float
    full: int
    enough: float = 0.0
    seeds: int = 3
    short: float = 0.25
    longer: float = 0.5
    step: float = field(default=math.sqrt(10))
    limits: tuple[float, float] = (1e-7, 30.0)

    def wanted(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Return the trainings that come next; none when enough is known."""
        for stage in (self._wide, self._hopeless, self._narrow, self._whole, self._twice):
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
        best = max(runs, key=lambda run: (-math.inf if run.gain is None else run.gain, -run.rate))
        middle = self.rates.at(0.5)
        return [
            RateRun(rate, seed, self.full) for rate in (best.rate, middle) for seed in self._fresh()
        ]

    def _narrow(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Confirm the best rates with other seeds and more epochs; follow where they lead."""
        if not learns(runs, self.enough):
            return []
        length, half = self.length(self.longer), math.sqrt(self.step)
        begun = any(r.seed and r.epochs == length for r in runs)
        slow = [r for r in runs if r.seed and r.epochs == self.full > length and not begun]
        if slow:  # it took the full length to learn anything
            length, best = self.full, min(slow, key=lambda run: run.loss).rate
        else:
            wide = [run for run in runs if run.seed == 0]
            best = min(wide, key=lambda run: (run.loss, run.rate)).rate
        rates = [best * half**i for i in (-2, -1, 0, 1, 2)]
        for _ in range(4):
            seen = by_rate(runs, rates, length)
            if len(seen) < len(rates):
                break
            better = min(seen, key=lambda rate: (seen[rate].mean, rate))
            if near(better, min(rates)):
                rates = [min(rates) / half, *rates]
            elif near(better, max(rates)) and seen[better].stable:
                rates = [*rates, max(rates) * half]
            else:
                break
        asked = [rate for rate in rates if self.limits[0] <= rate <= self.limits[1]]
        return [RateRun(rate, seed, length) for rate in asked for seed in self._fresh()]

    def _whole(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Where shorter trainings cannot tell, ask at full length, too.

        Half of a training ranks rates about as a whole one does. Not where the loss is steep about
        its lowest point, so that a small shift of it costs more than the noise of training; nor
        where the noise itself is large, as of a network that learns late.
        """
        length, half = self.length(self.longer), math.sqrt(self.step)
        shorter = [run for run in runs if run.epochs <= length]
        centre, past = best_rate(shorter), edge(runs) or math.inf
        if length >= self.full or centre is None or not learns(shorter, self.enough):
            return []
        narrow = [run for run in shorter if run.seed and run.epochs == length and run.rate < past]
        levels = by_rate(narrow, sorted({run.rate for run in narrow}), length)
        noise = spread(levels.values())
        around = [level.mean for rate, level in levels.items() if 1 / 2 < rate / centre < 2]
        gain = max((run.gain for run in narrow if run.gain is not None), default=math.inf)
        if noise is None or not around:
            return []
        if max(around) - min(around) <= noise <= 0.1 * gain:
            return []
        top = min(self.limits[1], 0.5 * past)
        capped = centre * half > top
        rates = [centre / half, centre / math.sqrt(half), centre]
        rates = rates if capped else [centre / half, centre, centre * half]
        for _ in range(2):
            seen = by_rate(runs, rates, self.full)
            if len(seen) < len(rates):
                break
            better = min(seen, key=lambda rate: (seen[rate].mean, rate))
            if near(better, min(rates)):
                rates = [min(rates) / half, *rates]
            elif near(better, max(rates)) and max(rates) * half <= top:
                rates = [*rates, max(rates) * half]
            else:
                break
        asked = [rate for rate in rates if rate >= self.limits[0]]
        return [RateRun(rate, seed, self.full) for rate in asked for seed in self._fresh()]

    def _twice(self, runs: Sequence[RateRun]) -> list[RateRun]:
        """Train at twice the rate that would be suggested: it has to be stable (head-room)."""
        if not learns(runs, self.enough):
            return []
        rate = best_rate(runs)
        if rate is None or (edge(runs) or math.inf) <= 2 * rate:
            return []
        return [RateRun(2 * rate, seed, self.length(self.short)) for seed in self._fresh()]

    def _fresh(self) -> range:
        return range(1, self.seeds + 1)


def _has(runs: Sequence[RateRun], asked: RateRun) -> bool:
    return any(
        near(run.rate, asked.rate) and (run.seed, run.epochs) == (asked.seed, asked.epochs)
        for run in runs
    )
