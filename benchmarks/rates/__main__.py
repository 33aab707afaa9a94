"""Prints the table: python -m benchmarks.rates.

With --fresh, --third or --fourth for ten other pairs.
"""

from __future__ import annotations

import math
import sys
from statistics import fmean, stdev

import numpy as np

import luthier
from benchmarks.rates.pairs import EPOCHS, Pair, fourth, fresh, hopeless, learnable, third
from luthier.loop.assembly import assemble
from luthier.loop.training.trainer import TrialError

SEEDS = 8  # what half a minute allows for all pairs, made the same on every machine
JUDGES = range(100, 105)  # none that the sweep has seen
STEP = 10**0.25


def losses(pair: Pair, rate: float) -> list[float]:
    """Return the best validation loss of a full training with each seed; infinite if it fails."""
    recipe = {**pair.recipe, "epochs": EPOCHS, "learning_rate": rate}
    parts = assemble(pair.build, pair.data, recipe=recipe)
    trainer, task = parts.trainer("auto"), parts.arrays.task
    found = []
    for seed in JUDGES:
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


def judged(pair: Pair) -> bool:
    """Print one pair; tell whether its suggested rate is as good as the best of the fine grid."""
    recipe = {**pair.recipe, "epochs": EPOCHS}
    found = luthier.lr(pair.build, pair.data, recipe=recipe, seeds=SEEDS).optimizers[0]
    say = sys.stdout.write
    if found.suggested is None:
        say(f"{pair.name:34} refused: {found.reason}\n")
        return False
    mine = losses(pair, found.suggested)
    grid = {rate: losses(pair, rate) for rate in _grid(found.suggested)}
    best = min(grid, key=lambda rate: fmean(grid[rate]))
    spread = stdev(grid[best])
    good = fmean(mine) <= fmean(grid[best]) + spread and max(mine) < math.inf
    say(
        f"{pair.name:34} {found.suggested:<8.2g} {fmean(mine):.4f}   best {best:<8.2g} "
        f"{fmean(grid[best]):.4f} ± {spread:.4f}   {'as good' if good else 'WORSE'}   "
        f"{found.epochs / EPOCHS:.1f} trainings\n"
    )
    sys.stdout.flush()
    return good


def _grid(middle: float) -> list[float]:
    """Return rates around one, a quarter of an order of magnitude apart, over three orders."""
    return [float(middle * STEP**i) for i in np.arange(-6, 7) + 0.5]


def main() -> None:
    """Judge every pair, then every case that cannot be learned."""
    sets = {"--fresh": fresh, "--third": third, "--fourth": fourth}
    wanted = next((pairs for name, pairs in sets.items() if name in sys.argv), learnable)
    good = [judged(pair) for pair in wanted()]
    sys.stdout.write(f"{sum(good)} of {len(good)} as good as the best of the grid\n")
    if wanted is not learnable:
        return
    refused = []
    for pair in hopeless():
        recipe = {**pair.recipe, "epochs": EPOCHS}
        one = luthier.lr(pair.build, pair.data, recipe=recipe, seeds=SEEDS).optimizers[0]
        refused.append(one.suggested is None)
        sys.stdout.write(f"{pair.name:34} {one.reason or f'suggested {one.suggested}'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{sum(refused)} of {len(refused)} refused\n")


main()
