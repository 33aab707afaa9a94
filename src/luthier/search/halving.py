"""Successive halving over paused trials; new ones are spread evenly, or near the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from luthier.core import History, Space, Step, Trial
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
        finishing = history.epochs_left <= self.reserve * full or history.trials_left <= 0
        if finishing and (best := self._unfinished(history, full)):
            return [Step(full, trial=best.number)]
        first = history.trials[0]
        if first.state == "paused" and first.epochs < full:
            return [Step(full, trial=first.number)]  # a budget in time had cut it short
        promoted = self._promotions(history, full)[: self.batch]
        room = min(self.batch - len(promoted), history.trials_left)
        return promoted + self._new(space, history, int(room), rng)

    def rungs(self, full: int) -> list[int]:
        """Return the epochs at which trials are compared.

        >>> Halving().rungs(50)
        [3, 9, 27, 50]
        """
        rung = max(1, round(self.first * full))
        rungs = []
        while rung < full:
            rungs.append(rung)
            rung *= self.eta
        return [*rungs, full]

    def _new(
        self, space: Space, history: History, count: int, rng: np.random.Generator
    ) -> list[Step]:
        first = self.rungs(space.baseline.epochs)[0]
        near = neighbours(space, history, int(self.local * count), rng)
        far = new_recipes(space, history, count - len(near))
        recipes = near + [recipe for recipe in far if recipe not in near]
        recipes = with_few_structures(recipes, space, history)
        return [Step(first, recipe=recipe, seed=history.seed) for recipe in recipes]

    def _promotions(self, history: History, full: int) -> list[Step]:
        """Return the trials that go on, those at the deepest rung first."""
        rungs = self.rungs(full)
        steps: list[Step] = []
        for rung, following in reversed(list(pairwise(rungs))):
            reached = [t for t in history.trials if t.epochs >= rung or t.state == "failed"]
            ranked = sorted(reached, key=lambda t: (history.loss(t, rung), t.number))
            best = ranked[: len(reached) // self.eta]
            steps += [
                Step(following, trial=trial.number)
                for trial in best
                if trial.state == "paused" and rung <= trial.epochs < following
            ]
        return steps

    def _unfinished(self, history: History, full: int) -> Trial | None:
        """Return the most promising paused trial; without new trials, only the very best."""
        paused = [t for t in history.trials if t.state == "paused" and t.epochs < full]
        candidates: Sequence[Trial] = paused
        if history.trials_left <= 0 and history.epochs_left == math.inf:
            candidates = [t for t in paused if t == history.best]
        return min(candidates, key=lambda t: (history.loss(t), t.number), default=None)
