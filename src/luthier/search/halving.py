"""Successive halving over paused trials; new ones are spread evenly, or near the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import History, Recipe, Space, Step
from luthier.search import promotion
from luthier.search.neighbours import neighbours
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Halving:
    """Start many trials, go on with the best third of each rung (ASHA, Li et al. 2020).

    Nothing is thrown away: a trial that does not rank high enough is paused, and goes on as
    soon as later trials at its rung make it one of the best third. The first trial is the
    baseline and runs to its end, so that every study can say what its search was worth.

    Args:
        batch: Steps of one decision. Eight keep a handful of workers busy.
        eta: One in how many trials goes on from a rung; 3 is the paper's and Optuna's choice.
        first: First rung, as a share of a full training. The ranking after the first epoch
            says nothing of the last (rank correlation 0 to 0.5 on published curves), the one
            after a sixteenth does (0.7 to 0.95).
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
        local: Share of the new trials that are neighbours of the best ones so far. Half of them
            keeps the other half exploring, whatever the best ones are.
    """

    batch: int = 8
    eta: int = 3
    first: float = 1 / 16
    reserve: float = 2.0
    local: float = 0.5

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        if not history.trials:
            news = self._new(space, history, self.batch - 1, rng)
            return [Step(full, recipe=space.baseline, seed=history.seed), *news]
        if (last := promotion.last_step(history, full, self.reserve)) is not None:
            return [last]
        paused = promotion.cut_short(history, full)
        if paused and paused[0].number == 0:
            return [Step(full, trial=0)]  # a budget in time had cut it short
        at = self.rungs(full)
        promoted = promotion.promotions(history.trials, at, self.eta, history.loss)[: self.batch]
        room = min(self.batch - len(promoted), history.trials_left)
        return promoted + self._new(space, history, int(room), rng)

    def rungs(self, full: int) -> list[int]:
        """Return the epochs at which trials are compared.

        >>> Halving().rungs(50)
        [3, 9, 27, 50]
        """
        return promotion.rungs(full, self.first, self.eta)

    def _new(
        self, space: Space, history: History, count: int, rng: np.random.Generator
    ) -> list[Step]:
        near = neighbours(space, history, int(self.local * count), rng)
        far = new_recipes(space, history, count - len(near))
        recipes = near + [recipe for recipe in far if recipe not in near]
        first = self.rungs(space.baseline.epochs)[0]
        return started(with_few_structures(recipes, space, history), first, history)


def started(recipes: list[Recipe], until: int, history: History) -> list[Step]:
    """Return the first steps of new trials."""
    return [Step(until, recipe=recipe, seed=history.seed) for recipe in recipes]
