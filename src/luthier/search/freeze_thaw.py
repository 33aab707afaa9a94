"""Freeze-thaw: predict where every curve would end, and go on with what may become the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from luthier.core import History, Recipe, Space, Step, Trial
from luthier.search.neighbours import moved, neighbours
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures
from luthier.search.surrogate.acquisition import Candidates, Improvement, log_time
from luthier.search.surrogate.features import Features
from luthier.search.surrogate.gaussian_process import GaussianProcess, fitted
from luthier.search.surrogate.kernel import Inputs
from luthier.search.surrogate.observations import Scale, level, observations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class FreezeThaw:
    """Look at all curves so far; pause, resume and start what is likeliest to become the best.

    Swersky, Snoek and Adams 2014, "Freeze-thaw Bayesian optimization", with ifBO's acquisition
    (Rakotoarison et al. 2024) and a hedge: some steps follow the rule of successive halving, which
    no model can mislead. The first trial is the baseline; it runs to its end before the search
    ends, so that every study can say what its search was worth.

    Args:
        batch: Steps of one decision. Fewer need fewer epochs and more decisions.
        first: First epoch at which trials are compared, as a share of a full training. The ranking
            after the first epoch says nothing of the last (rank correlation -0.6 to 0.5 on
            published curves), the one after a sixteenth does (0.5 to 0.95).
        growth: From one rung to the next.
        new: Most of a batch that may be new trials: free to choose, the acquisition starts more
            than it can follow.
        hedge: Share of the steps that follow the halving rule, at first and in the end.
        settled: Full trainings' worth of epochs after which the share has come down to its end:
            before that, the model has seen too little to be ahead of the rule.
        reserve: Full trainings' worth of budget kept for taking the best trials to their end.
    """

    batch: int = 8
    first: float = 1 / 16
    growth: int = 2
    new: float = 0.5
    hedge: tuple[float, float] = (0.5, 0.125)
    settled: float = 8.0
    reserve: float = 2.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        rungs = self.rungs(full)
        if not history.trials:
            return self._start(space, history, rungs[0], rng)
        if step := self._finishing(history, full):
            return [step]
        promoted = self._promotions(history, rungs, self._hedged(history, full, rng))
        chosen = self._chosen(space, history, rungs, promoted, rng)
        return promoted + chosen

    def rungs(self, full: int) -> list[int]:
        """Return the epochs at which trials pause; the last one is no stub.

        >>> FreezeThaw().rungs(52), FreezeThaw().rungs(10)
        ([3, 6, 12, 24, 52], [2, 4, 10])
        """
        rung = max(2, round(self.first * full))
        rungs = []
        while rung < 0.75 * full:
            rungs.append(rung)
            rung *= self.growth
        return [*rungs, full]

    def _start(
        self, space: Space, history: History, first: int, rng: np.random.Generator
    ) -> list[Step]:
        """Return the baseline, some neighbours of it, and points spread over the space."""
        far = new_recipes(space, history, self.batch - 1)
        far = with_few_structures(far, space, history)
        return [Step(first, recipe=r, seed=history.seed) for r in (space.baseline, *far)]

    def _finishing(self, history: History, full: int) -> Step | None:
        """Return the step that takes the baseline, or near the end the best, to its end."""
        first = history.trials[0]
        open_ended = first.state == "paused" and first.epochs < full
        left = history.epochs_left - (full - first.epochs if open_ended else 0)
        ending = left <= self.reserve * full or history.trials_left <= 0
        if open_ended and ending:
            return Step(full, trial=0)
        paused = [t for t in history.trials if t.state == "paused" and t.epochs < full]
        if ending and history.epochs_left == math.inf:
            paused = [t for t in paused if t == history.best]
        best = min(paused, key=lambda t: (history.loss(t), t.number), default=None)
        return Step(full, trial=best.number) if ending and best is not None else None

    def _hedged(self, history: History, full: int, rng: np.random.Generator) -> int:
        """Return how many steps follow the halving rule; on average the share for this moment."""
        early, late = self.hedge
        done = min(history.epochs / (self.settled * full), 1.0)
        return int((early + (late - early) * done) * self.batch + rng.random())

    def _promotions(self, history: History, rungs: Sequence[int], count: int) -> list[Step]:
        """Return trials among the best third of their rung, those at the deepest rung first."""
        steps: list[Step] = []
        for rung, following in reversed(list(pairwise(rungs))):
            reached = [t for t in history.trials if t.epochs >= rung or t.state == "failed"]
            ranked = sorted(reached, key=lambda t: (level(history, t, rung), t.number))
            steps += [
                Step(following, trial=trial.number)
                for trial in ranked[: max(1, len(reached) // 3)]
                if trial.state == "paused" and rung <= trial.epochs < following
            ]
        return steps[:count]

    def _chosen(
        self,
        space: Space,
        history: History,
        rungs: Sequence[int],
        promoted: Sequence[Step],
        rng: np.random.Generator,
    ) -> list[Step]:
        """Return the steps that the surrogate asks for."""
        full, features = rungs[-1], Features(space)
        seen = observations(history, rungs)
        ends = [level(history, t, t.epochs) for t in history.trials if t.epochs]
        scale = Scale.of(ends, [one.loss for one in seen])
        values = scale(np.array([one.loss for one in seen]))
        going = {step.trial for step in promoted}
        paused = self._resumable(history, full, going)
        points = self._points(space, history, rng)
        trials = {t.number: np.array(space.encode(t.recipe)) for t in history.trials}

        def inputs(numbers: Sequence[int], epochs: Sequence[int]) -> Inputs:
            x = features.of(np.array([trials[n] for n in numbers]).reshape(-1, space.dimensions))
            return Inputs(x, log_time(np.array(epochs, float), full), np.array(numbers, int))

        at = inputs([one.trial for one in seen], [one.epoch for one in seen])
        try:
            theta = fitted(features.groups, at, values, rng)
            process = GaussianProcess.given(theta, features.groups, at, values)
        except np.linalg.LinAlgError:
            return self._without_model(space, history, rungs, len(promoted))
        busy = [t for t in history.trials if t.state in ("waiting", "running")]
        until = {step.trial: step.until for step in promoted if step.trial is not None}
        until |= {t.number: max(t.until, 1) for t in busy}
        candidates = Candidates(
            np.vstack([features.of(np.array([trials[t.number] for t in paused]).reshape(-1, space.dimensions)), features.of(points)]),
            np.concatenate([[t.number for t in paused], -1 - np.arange(len(points))]).astype(int),
            np.array([t.epochs for t in paused] + [0] * len(points)),
        )
        known = {t.recipe.identity for t in history.trials} | {space.baseline.identity}
        fresh: dict[int, Recipe] = {}

        def takes(row: int) -> bool:
            if row < len(paused):
                return True
            recipe = space.decode(points[row - len(paused)].tolist())
            if recipe.identity in known:
                return False
            known.add(recipe.identity)
            fresh[row] = recipe
            return True

        count = self.batch - len(promoted)
        most_new = min(int(self.new * self.batch), history.trials_left) if paused else count
        rows = Improvement(full).choose(
            process,
            candidates,
            inputs(list(until), list(until.values())),
            float(values.min(initial=0.0)),
            count,
            int(min(most_new, history.trials_left)),
            rng,
            takes,
        )
        steps = []
        for row in rows:
            if row < len(paused):
                trial = paused[row]
                steps.append(Step(_after(rungs, trial.epochs), trial=trial.number))
            else:
                steps.append(Step(rungs[0], recipe=fresh[row], seed=history.seed))
        return steps

    def _resumable(self, history: History, full: int, going: Iterable[int | None]) -> list[Trial]:
        """Return the paused trials, the best ones where there are many."""
        paused = [
            t
            for t in history.trials
            if t.state == "paused" and t.epochs < full and t.number not in going
        ]
        return sorted(paused, key=lambda t: (history.loss(t), t.number))[:150]

    def _points(self, space: Space, history: History, rng: np.random.Generator) -> Array:
        """Return points for new trials: some anywhere, some near the best."""
        far = rng.random((100, space.dimensions))
        scored = [t for t in history.trials if history.loss(t) != math.inf]
        best = sorted(scored, key=lambda t: (history.loss(t), t.number))[:8]
        if not best or not space.dimensions:
            return far
        parents = np.array([space.encode(t.recipe) for t in best])
        near = moved(space, parents[rng.integers(len(parents), size=60)], rng)
        return np.vstack([far, near])

    def _without_model(
        self, space: Space, history: History, rungs: Sequence[int], taken: int
    ) -> list[Step]:
        recipes = new_recipes(space, history, self.batch - taken)
        return [Step(rungs[0], recipe=r, seed=history.seed) for r in recipes]


def _after(rungs: Sequence[int], epochs: int) -> int:
    return next(rung for rung in rungs if rung > epochs)
