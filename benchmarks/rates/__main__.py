"""Prints the table: python -m benchmarks.rates.

With --fresh, --third, --fourth or --fifth for ten other pairs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

import luthier
from benchmarks.rates.pairs import EPOCHS, Pair, fifth, fourth, fresh, hopeless, learnable, third
from luthier.core import RateRange
from luthier.loop.assembly import assemble
from luthier.loop.training.trainer import TrialError

SEEDS = 8  # what half a minute allows for all pairs, made the same on every machine
OURS = range(100, 105)  # seeds of the suggested rate; none that the sweep has seen
GRID = range(100, 120)  # of each rate of the grid
STEP = 10**0.25


class Verdict(NamedTuple):
    """Whether a suggested rate is as good as the best of the grid.

    Args:
        good: By the grid's best of twenty seeds.
        by_five: By its best of five, which of thirteen rates is in part the luckiest.
    """

    good: bool
    by_five: bool


def losses(pair: Pair, rate: float, seeds: Sequence[int]) -> list[float]:
    """Return the best validation loss of a full training with each seed; infinite if it fails."""
    recipe = {**pair.recipe, "epochs": EPOCHS, "learning_rate": rate}
    parts = assemble(pair.build, pair.data, recipe=recipe)
    trainer, task = parts.trainer("auto"), parts.arrays.task
    found = []
    for seed in seeds:
        try:
            run = trainer.start(parts.recipe, seed, EPOCHS)
            while not run.ended:
                run.advance()
        except TrialError:
            found.append(math.inf)
            continue
        score = run.curves.score(task.metric, task.direction)
        found.append(math.inf if run.diverged or score is None else score)
    return found


def as_good(mine: Sequence[float], grid: Mapping[float, Sequence[float]]) -> tuple[bool, float]:
    """Tell whether losses are within a standard deviation of the grid's best; return its rate."""
    best = min(grid, key=lambda rate: fmean(grid[rate]))
    within = fmean(mine) <= fmean(grid[best]) + stdev(grid[best])
    return within and max(mine) < math.inf, best


def suggested(pair: Pair) -> RateRange:
    """Return what a sweep says of a pair."""
    recipe = {**pair.recipe, "epochs": EPOCHS}
    return luthier.lr(pair.build, pair.data, recipe=recipe, seeds=SEEDS).optimizers[0]


def judged(pair: Pair) -> Verdict:
    """Print one pair; tell whether its suggested rate is as good as the best of the fine grid."""
    found = suggested(pair)
    say = sys.stdout.write
    if found.suggested is None:
        say(f"{pair.name:44} refused: {found.reason}\n")
        return Verdict(good=False, by_five=False)
    mine = losses(pair, found.suggested, OURS)
    grid = {rate: losses(pair, rate, GRID) for rate in _grid(found.suggested)}
    good, best = as_good(mine, grid)
    by_five, _ = as_good(mine, {rate: grid[rate][: len(OURS)] for rate in grid})
    words = ("as good" if good else "WORSE") + ("" if good == by_five else ", not by five seeds")
    say(
        f"{pair.name:44} {found.suggested:<8.2g} {fmean(mine):.4f}   best {best:<8.2g} "
        f"{fmean(grid[best]):.4f} ± {stdev(grid[best]):.4f}   "
        f"{found.epochs / EPOCHS:.0f} trainings   {words}\n"
    )
    sys.stdout.flush()
    return Verdict(good, by_five)


def _grid(middle: float) -> list[float]:
    """Return rates around one, a quarter of an order of magnitude apart, over three orders."""
    return [float(middle * STEP**i) for i in np.arange(-6, 7) + 0.5]


def main() -> None:
    """Judge every pair, then every case that cannot be learned."""
    sets = {"--fresh": fresh, "--third": third, "--fourth": fourth, "--fifth": fifth}
    wanted = next((pairs for name, pairs in sets.items() if name in sys.argv), learnable)
    verdicts = [judged(pair) for pair in wanted()]
    good, by_five = (sum(each) for each in zip(*verdicts, strict=True))
    sys.stdout.write(
        f"{good} of {len(verdicts)} as good as the best of the grid, {by_five} as good as that of "
        f"its first {len(OURS)} seeds\n"
    )
    if wanted is not learnable:
        return
    refused = []
    for pair in hopeless():
        one = suggested(pair)
        refused.append(one.suggested is None)
        sys.stdout.write(f"{pair.name:34} {one.reason or f'suggested {one.suggested}'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{sum(refused)} of {len(refused)} refused\n")


main()
