"""Hyperband: successive halving with several first rungs, in case early epochs mislead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import History, Space, Step, Trial
from luthier.search import promotion
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Hyperband:
    """Spread new trials over brackets, each a halving that begins at a later rung (Li et al. 2018).

    Asynchronous as `Halving` is, with the paper's share of trials for each bracket. It trusts early
    epochs less than halving alone, and pays for that where they can be trusted.

    Args:
        batch: Steps of one decision. Eight keep a handful of workers busy.
        eta: One in how many trials goes on from a rung.
        first: First rung of the first bracket, as a share of a full training, as in `Halving`.
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
    """

    batch: int = 8
    eta: int = 3
    first: float = 1 / 16
    reserve: float = 2.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        at = promotion.rungs(full, self.first, self.eta)
        if not history.trials:
            baseline = Step(full, recipe=space.baseline, seed=history.seed)
            return [baseline, *self._new(space, history, at, 1, self.batch - 1)]
        if (last := promotion.last_step(history, full, self.reserve)) is not None:
            return [last]
        waiting = promotion.cut_short(history, full)
        steps = [Step(full, trial=0)] if waiting and waiting[0].number == 0 else []
        for bracket in range(len(at)):
            trials = [t for t in history.trials[1:] if self.bracket(t.number, len(at)) == bracket]
            steps += self._cut_short(trials, at[bracket])
            steps += promotion.promotions(trials, at[bracket:], self.eta, history.loss)
        steps = steps[: self.batch]
        room = int(min(self.batch - len(steps), history.trials_left))
        steps += self._new(space, history, at, len(history.trials), room)
        return promotion.within(steps, history, full, self.reserve)

    def bracket(self, number: int, rungs: int) -> int:
        """Return the bracket of a trial: at which rung it is compared first, counted from 0.

        The shares are the paper's: of r brackets, the one with s rungs to go gets
        ``r / (s + 1) * eta ** s`` trials.

        >>> [Hyperband().bracket(number, 4) for number in range(1, 13)]
        [0, 1, 0, 2, 0, 1, 3, 0, 0, 0, 1, 0]
        """
        left = [rungs - 1 - bracket for bracket in range(rungs)]
        shares = [math.ceil(rungs / (s + 1) * self.eta**s) for s in left]
        served = [0] * rungs
        latest = 0
        for _ in range((number - 1) % sum(shares) + 1):
            # Whoever is furthest behind its share is next.
            latest = min(range(rungs), key=lambda b: ((served[b] + 0.5) / shares[b], b))
            served[latest] += 1
        return latest

    def _cut_short(self, trials: Sequence[Trial], first: int) -> list[Step]:
        return [
            Step(first, trial=t.number) for t in trials if t.state == "paused" and t.epochs < first
        ]

    def _new(
        self, space: Space, history: History, at: Sequence[int], number: int, count: int
    ) -> list[Step]:
        recipes = with_few_structures(new_recipes(space, history, count), space, history)
        return [
            Step(at[self.bracket(number + i, len(at))], recipe=recipe, seed=history.seed)
            for i, recipe in enumerate(recipes)
        ]
