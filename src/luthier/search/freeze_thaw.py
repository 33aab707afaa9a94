"""Freeze-thaw: predict where every curve would end, and go on with what may become the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.core import History, Recipe, Space, Step, Trial
from luthier.search import promotion
from luthier.search.earlier import best_recipes
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures
from luthier.search.surrogate.acquisition import Improvement
from luthier.search.surrogate.belief import Belief, proposals
from luthier.search.surrogate.observations import level
from luthier.search.surrogate.threads import one_thread


@dataclass(frozen=True)
class FreezeThaw:
    """Look at all curves so far; pause, resume and start what is likeliest to become the best.

    Swersky, Snoek and Adams 2014, "Freeze-thaw Bayesian optimization", with ifBO's acquisition
    (Rakotoarison et al. 2024) and a hedge: some steps follow the rule of successive halving, which
    no model can mislead. It looks first, and for a while, where the user thinks the best to be
    (`Float.likely`); with more than a few trainings not there alone. The first trial is the
    baseline, and runs to its end before the search ends, so that every study can say what its
    search was worth.

    Args:
        batch: Steps of one decision. Fewer need fewer epochs and more decisions; on published
            curves 4 needed two thirds of the epochs of 16.
        first: First epoch at which trials are compared, as a share of a full training. The ranking
            after the first epoch says nothing of the last (rank correlation -0.6 to 0.5 on
            published curves), the one after a sixteenth does (0.5 to 0.95).
        growth: From one rung to the next.
        new: Most of a batch that may be new trials: free to choose, the acquisition starts more
            than it can follow.
        hedge: Share of the steps that follow the halving rule, at first and in the end. With an
            eighth in the end, regret at 20 full trainings was half as high again, from networks
            whose early epochs mislead.
        settled: Full trainings' worth of epochs after which the share has come down to its end:
            before that, the model has seen too little to be ahead of the rule.
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
        few: Full trainings' worth of budget a dimension, below which all new points lie where the
            best is thought to be (`Space.lean`), if anyone said where; with more, half of them do.
            With nine for 14 dimensions, on digits, what was chosen among points spread evenly was
            no better than the baseline on other rows.
    """

    batch: int = 4
    first: float = 1 / 16
    growth: int = 2
    new: float = 0.5
    hedge: tuple[float, float] = (0.5, 0.25)
    settled: float = 8.0
    reserve: float = 2.0
    few: float = 2.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        rungs = self.rungs(full)
        if not history.trials:
            recipes = self._first(space, history)
            return [Step(rungs[0], recipe=recipe, seed=history.seed) for recipe in recipes]
        if finishing := self._finishing(history, full):
            return [finishing]
        steps = self._promotions(history, rungs, self._hedged(history, full, rng))
        with one_thread():
            steps += self._chosen(space, history, rungs, steps, rng)
        return promotion.within(steps, history, full, self.reserve)

    def rungs(self, full: int) -> list[int]:
        """Return the epochs at which trials pause; the last one is no stub.

        >>> FreezeThaw().rungs(52), FreezeThaw().rungs(10)
        ([3, 6, 12, 24, 52], [2, 4, 10])
        """
        first = max(2, round(self.first * full)) / full
        rungs = promotion.rungs(full, first, self.growth)
        return [rung for rung in rungs if rung < 0.75 * full or rung == full]

    def _first(self, space: Space, history: History) -> list[Recipe]:
        """Return the baseline, what was best before, the middle of where the best is thought to be.

        And other points. What was best in earlier studies of another length is half of them.
        """
        before = best_recipes(space, history, self.batch // 2)
        known = [space.baseline, *(r for r in before if r.identity != space.baseline.identity)]
        if (middle := space.middle()).identity != space.baseline.identity:
            known.append(middle)
        more = max(self.batch - len(known), 0)
        return [*known, *self._spread(space, history, more)][: self.batch]

    def _spread(self, space: Space, history: History, count: int) -> list[Recipe]:
        recipes = new_recipes(space, history, count, lean=self._lean(space, history))
        return with_few_structures(recipes, space, history)

    def _lean(self, space: Space, history: History) -> float:
        budget = history.epochs + history.epochs_left
        few = budget < self.few * space.dimensions * space.baseline.epochs
        return 1.0 if few and space.middle().identity != space.baseline.identity else 0.5

    def _finishing(self, history: History, full: int) -> Step | None:
        """Return the step that takes the baseline, or near the end the best, to its end."""
        paused = promotion.cut_short(history, full)
        first = next((t for t in paused if t.number == 0), None)
        left = history.epochs_left - (full - first.epochs if first else 0)
        ending = left <= promotion.kept(history, full, self.reserve)
        if history.epochs_left == math.inf and history.trials_left <= 0:
            ending, paused = True, [t for t in paused if t == history.best]
        if first and (ending or history.epochs >= 2 * self.settled * full):
            return Step(full, trial=0)
        best = min(paused, key=lambda t: (history.steady(t), t.number), default=None)
        return Step(full, trial=best.number) if ending and best else None

    def _hedged(self, history: History, full: int, rng: np.random.Generator) -> int:
        """Return how many steps follow the halving rule; on average the share for this moment."""
        early, late = self.hedge
        done = min(history.epochs / (self.settled * full), 1.0)
        return int((early + (late - early) * done) * self.batch + rng.random())

    def _promotions(self, history: History, rungs: Sequence[int], count: int) -> list[Step]:
        def loss(trial: Trial, rung: int) -> float:
            return level(history, trial, rung)

        return promotion.promotions(history.trials, rungs, 3, loss, least=1)[:count]

    def _chosen(
        self,
        space: Space,
        history: History,
        rungs: Sequence[int],
        steps: Sequence[Step],
        rng: np.random.Generator,
    ) -> list[Step]:
        """Return the steps that the model asks for; without one, points spread over the space."""
        count = self.batch - len(steps)
        try:
            belief = Belief.of(space, history, rungs, rng)
        except np.linalg.LinAlgError:
            recipes = self._spread(space, history, int(min(count, history.trials_left)))
            return [Step(rungs[0], recipe=recipe, seed=history.seed) for recipe in recipes]
        return proposals(
            belief,
            Improvement(rungs[-1]),
            steps,
            count,
            int(self.new * self.batch),
            rng,
            self._lean(space, history),
        )
