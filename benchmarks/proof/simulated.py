"""Simulated studies: how often is a claim false, an interval wrong, a gain seen?

Each study is what `luthier.tune` does, with simulated scores in the place of trainings: many
recipes are tried with one seed, the best on validation rows wins, winner and baseline are trained
with fresh seeds in the stages that the budget plans, and `luthier.proof` judges their test rows.

The scores look like log-losses: a row's loss is how hard it is (lognormal: few rows make most of
the loss), times what a recipe makes of it, times the luck of a training, times the rest. A gain of
5 % of the gap to perfect is then a loss that is 5 % lower in the mean over all rows and seeds.
The noises are those of two recipes with four seeds each on digits, where a row's loss varies by 5
times its mean, a difference of recipes by 2.6 times, the rest of one training by 4.8 times, and the
mean of one training by 15 %; and the same with three times as much luck, and with a third of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.core import Verdict
from luthier.loop.proving.reserve import stages
from luthier.loop.working.budget import Budget
from luthier.proof import UNDECIDED, judge, spending

Array = NDArray[Any]

RECIPES = 48  # that a study of a dozen full trainings tries, most of them for a few epochs
FULL = 50


@dataclass(frozen=True)
class Noise:
    """Standard deviations of logarithms.

    Args:
        hard: Of rows.
        recipe: Of what a recipe makes of a row.
        luck: Of trainings.
        rest: Of a row in one training.
    """

    hard: float = 1.8
    recipe: float = 0.35
    luck: float = 0.15
    rest: float = 0.8


NOISE = {
    "as on digits": Noise(),
    "three times the luck": Noise(luck=0.45),
    "a third of the luck": Noise(luck=0.05),
}


@dataclass(frozen=True)
class World:
    """Rows, and recipes that are trained on others.

    Args:
        noise: How scores scatter.
        rows: Test rows, and as many to validate on.
        trainings: Full trainings that the budget pays for.
        level: Mean loss of the baseline.
    """

    noise: Noise
    rows: int = 360
    trainings: int = 12
    level: float = 0.045

    def study(self, rng: np.random.Generator, gain: float = 0.0) -> Verdict | None:
        """Return the verdict on a winner whose true gain is that share of the baseline's loss.

        None where the baseline has the best validation score.
        """
        hard = [self._factor(rng, self.noise.hard, (1, self.rows)) for _ in ("validation", "test")]
        luck = self._factor(rng, self.noise.luck, (RECIPES, 1))
        of_recipe = [self._factor(rng, self.noise.recipe, (RECIPES, self.rows)) for _ in hard]
        true = np.full((RECIPES, 1), 1.0 - gain)
        true[0] = 1.0
        seen = true * luck * hard[0] * of_recipe[0]
        winner = int(np.argmin(seen.mean(axis=1)))
        if winner == 0:
            return None
        verdict: Verdict | None = None
        planned = stages(Budget(epochs=self.trainings * FULL), FULL)
        tables: list[list[Array]] = [[], []]
        for seeds, level in zip(planned, spending(planned), strict=True):
            for which, number in enumerate((winner, 0)):
                while len(tables[which]) < seeds:
                    # At two seeds the baseline's first training is one of them, as in a study.
                    first = which == 1 and seeds == 2 and len(tables[1]) == 1
                    lucky = luck[0] if first else self._factor(rng, self.noise.luck, (1,))
                    rest = self._factor(rng, self.noise.rest, (self.rows,))
                    row = true[number] * lucky * hard[1][0] * of_recipe[1][number] * rest
                    tables[which].append(-self.level * row)
            winners, baselines = (_blocks(np.array(table)) for table in tables)
            verdict = judge(winners, baselines, level=level)
            if verdict.verdict != UNDECIDED:
                break
        return verdict

    def _factor(self, rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> Array:
        """Return positive numbers whose mean is 1."""
        drawn: Array = np.exp(spread * rng.normal(size=shape) - spread**2 / 2)
        return drawn


def _blocks(table: Array, most: int = 400) -> Array:
    """Put many rows together, as luthier does."""
    rows = table.shape[1]
    if rows <= most:
        return table
    parts = np.array_split(np.arange(rows), most)
    return np.stack([table[:, part].mean(axis=1) for part in parts], axis=1)


def run(nulls: int = 200, studies: int = 1000, seed: int = 0) -> Iterator[str]:
    """Yield one line for each setting."""
    for trainings in (12, 24, 80):
        for name, noise in NOISE.items():
            world = World(noise, trainings=trainings)
            rng = np.random.default_rng([seed, trainings])
            found = [one for one in (world.study(rng) for _ in range(nulls)) if one is not None]
            better = sum(one.verdict == "better" for one in found)
            worse = sum(one.verdict == "worse" for one in found)
            yield (
                f"null, {trainings} trainings, {name}: {better} of {nulls} claim an improvement, "
                f"{worse} a loss"
            )
    for trainings in (12, 24, 80):
        for name, noise in NOISE.items():
            world = World(noise, trainings=trainings)
            rng = np.random.default_rng([seed, trainings, 1])
            gain = 0.05
            found = [one for one in (world.study(rng, gain) for _ in range(studies)) if one]
            truth = gain * world.level
            hits = [one.interval[0] <= truth <= one.interval[1] for one in found]
            yield (
                f"coverage, {trainings} trainings, {name}: {100 * np.mean(hits):.1f} % of "
                f"{len(found)} intervals hold the true difference"
            )
    for rows in (360, 2_000, 10_000):
        for trainings in (12, 24, 80):
            for gain in (0.02, 0.05, 0.2):
                world = World(NOISE["as on digits"], rows=rows, trainings=trainings)
                rng = np.random.default_rng([seed, rows, trainings])
                count = nulls if rows < 10_000 else nulls // 4
                found = [one for one in (world.study(rng, gain) for _ in range(count)) if one]
                seen = np.mean([one.verdict == "better" for one in found])
                yield (
                    f"power, {rows} test rows, {trainings} trainings, gain of {100 * gain:.0f} %: "
                    f"{100 * seen:.0f} % of {len(found)} say better"
                )
