"""What trainings at several rates say: usable range, edge of stability, and a rate to take."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from luthier.core import RateRange, RateRun


@dataclass(frozen=True)
class Level:
    """Trainings of one length at one rate.

    Args:
        losses: One for each seed, in their order.
        stable: Whether all were.
    """

    losses: tuple[float, ...]
    stable: bool

    @property
    def mean(self) -> float:
        """Their mean; infinite where one was not stable."""
        return math.fsum(self.losses) / len(self.losses) if self.stable else math.inf


def near(one: float, other: float) -> bool:
    """Tell whether two rates are the same but for rounding."""
    return math.isclose(one, other, rel_tol=1e-3)


def by_rate(runs: Sequence[RateRun], rates: Sequence[float], epochs: int) -> dict[float, Level]:
    """Return what fresh seeds came to at some rates, at one length."""
    found = {}
    for rate in rates:
        there = [r for r in runs if near(r.rate, rate) and r.epochs == epochs and r.seed > 0]
        there.sort(key=lambda run: run.seed)
        if there:
            found[rate] = Level(tuple(r.loss for r in there), all(r.stable for r in there))
    return found


def spread(levels: Iterable[Level]) -> float | None:
    """Return the standard deviation between seeds, of all rates together."""
    several = [level.losses for level in levels if len(level.losses) > 1 and level.stable]
    if not several:
        return None
    return math.sqrt(statistics.fmean(statistics.variance(losses) for losses in several))


def learns(runs: Sequence[RateRun], enough: float) -> bool:
    """Tell whether a rate does better than guessing by more than luck.

    Several seeds have the word where there are several: their mean.
    """
    levels: dict[tuple[float, int], list[float]] = {}
    for run in runs:
        gain = math.inf if run.gain is None and run.loss < math.inf else run.gain
        levels.setdefault((run.rate, run.epochs), []).append(-math.inf if gain is None else gain)
    most = max((len(gains) for gains in levels.values()), default=0)
    several = [statistics.fmean(g) for g in levels.values() if len(g) == most]
    return max(several, default=-math.inf) > enough


def edge(runs: Sequence[RateRun]) -> float | None:
    """Return the lowest rate at which a training was unstable, above one that was stable.

    One that comes to next to nothing, where a lower rate learns in the same time, is past the edge,
    too: it ended no worse than guessing, and no better.
    """
    stable = min((run.rate for run in runs if run.stable), default=math.inf)
    past = [run.rate for run in runs if not run.stable and run.rate > stable]
    return min([*past, *_collapsed(runs)], default=None)


def _collapsed(runs: Sequence[RateRun], *, share: float = 0.1) -> list[float]:
    """Return rates that gain less than a tenth of what a lower one does in as many epochs."""
    found = []
    for epochs in {run.epochs for run in runs}:
        there = [(run.rate, run.gain) for run in runs if run.epochs == epochs and run.gain]
        if there:
            rate, most = max(there, key=lambda pair: pair[1])
            found += [r for r, gain in there if r > rate and gain < share * most]
    return found


def best_rate(runs: Sequence[RateRun]) -> float | None:
    """Return the middle of the rates that may be the best, by their longest trainings.

    The mean of their logarithms, each weighed by how likely it is that it is the best: the best of
    few noisy means alone is as often as not their luckiest. A parabola through the means, where
    there are enough, is no better model: a valley rises slowly on the left and steeply on the
    right, and its lowest point comes out too far left however many trainings there are. It is at
    most half of the lowest rate at which a training was unstable.
    """
    several = [run for run in runs if run.seed > 0]
    longest = max((run.epochs for run in several if run.loss < math.inf), default=0)
    levels = by_rate(several, sorted({run.rate for run in several}), longest)
    past = edge(runs) or math.inf
    usable = {r: one for r, one in levels.items() if one.mean < math.inf and r < past}
    return min(_middle(usable), 0.5 * past) if usable else None


def _middle(levels: Mapping[float, Level], *, reach: float = 4.0) -> float:
    """Return the mean rate, in its logarithm, weighed by likelihoods.

    The likelihood is that of a rate's distance from the lowest mean over the seeds that both had,
    in standard errors of a difference. The noise is the median of those of the rates next to the
    best: it grows quickly with the rate.

    Args:
        levels: By rate.
        reach: How many times higher or lower than the best a rate may be to count.
    """
    most = max(len(level.losses) for level in levels.values())
    best = min((len(one.losses) < most, one.mean, rate) for rate, one in levels.items())[2]
    lowest = levels[best].losses
    noise = [
        statistics.stdev(level.losses)
        for rate, level in levels.items()
        if len(level.losses) > 1 and 1 / 2 < rate / best < 2
    ]
    error = statistics.median(noise) if noise else 0.0
    if not error:
        return best
    weights = {}
    for rate, level in levels.items():
        if 1 / reach <= rate / best <= reach:
            count = len(level.losses)
            behind = max(statistics.fmean(level.losses) - statistics.fmean(lowest[:count]), 0.0)
            weights[rate] = math.exp(-0.5 * (behind / error) ** 2 * count / 2)
    total = math.fsum(weights.values())
    return math.exp(math.fsum(w * math.log(r) for r, w in weights.items()) / total)


def verdict(
    runs: Sequence[RateRun], optimizer: str, *, enough: float = 0.0, share: float = 0.1
) -> RateRange:
    """Return what a finished sweep says.

    Args:
        runs: Its trainings.
        optimizer: Whose rates they are.
        enough: Gain over guessing, in units of the validation loss, that is no luck.
        share: Of what the best rate gains over guessing, what a usable rate may lack.
    """
    done = tuple(runs)
    if all(run.loss == math.inf for run in done):
        cause = next((run.cause for run in done if run.cause), "no epoch has a score")
        return RateRange(optimizer, reason=f"every rate fails: {cause}", runs=done)
    best = None if not learns(done, enough) else best_rate(done)
    if best is None:
        return RateRange(optimizer, edge=edge(done), reason=_nothing(done), runs=done)
    several = [run for run in done if run.seed > 0 and run.loss < math.inf]
    longest = max(run.epochs for run in several)
    levels = by_rate(several, sorted({run.rate for run in several}), longest)
    closest = min(levels, key=lambda rate: abs(math.log(rate / best)))
    return RateRange(
        optimizer,
        suggested=_rounded_down(best),
        usable=_usable(done, _rounded_down(best), share),
        edge=edge(done),
        loss=levels[closest].mean,
        spread=spread(levels.values()),
        runs=done,
    )


def _rounded_down(rate: float) -> float:
    """Return a rate to two significant digits; downwards, as there may be an edge above."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return float(f"{math.floor(rate / unit + 1e-9) * unit:.2g}")


def _usable(runs: Sequence[RateRun], best: float, share: float) -> tuple[float, float]:
    """Return the ends of the rates about the best that gain nearly as much in their own time."""
    kept = []
    for epochs in {run.epochs for run in runs}:
        there = [run for run in runs if run.epochs == epochs]
        top = min(run.loss for run in there)
        worst = max((run.loss for run in there if run.loss < math.inf), default=top)
        gains = [run.gain for run in there if run.gain is not None]
        room = max(gains) if gains else worst - top
        bad = {run.rate for run in there if not run.stable or run.loss > top + share * room}
        kept += [run.rate for run in there if run.rate not in bad]
    low, high = min([*kept, best]), max([*kept, best])
    limit = edge(runs)
    return low, high if limit is None else min(high, limit / 2)


def _nothing(runs: Sequence[RateRun]) -> str:
    best = max(runs, key=lambda run: -math.inf if run.gain is None else run.gain)
    lead = 0.0 if best.gain is None else best.gain
    return (
        f"nothing learns: the best of {len(runs)} trainings (rate {best.rate:.2g}, "
        f"{best.epochs} epochs) ends {abs(lead):.2g} {'below' if lead > 0 else 'above'} the "
        "validation loss of guessing, which luck explains"
    )
