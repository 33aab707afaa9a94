"""Population-based training: a population whose worst members go on from the best ones' weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import CHANGEABLE, LIVE_STATES, Float, History, Recipe, Space, Step, Trial
from luthier.search import promotion
from luthier.search.halving import started
from luthier.search.quasirandom import new_recipes
from luthier.search.surrogate.observations import level

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class PBT:
    """Train a population side by side; every few epochs the worst copy the best, and change.

    Jaderberg et al. 2017, "Population Based Training of Neural Networks". A copy has its parent's
    weights, and a recipe that is its parent's with some values changed from there on: of the
    winner's recipe, `changes` is the schedule that was learnt. `luthier train` does it again, bit
    for bit, as if nobody had copied anything.

    What can change within a training is rate, momentum, penalties and regularisers; all else, the
    network included, is chosen by what survives of the first population. When one has come to its
    end and budget is left, another one begins.

    Args:
        population: Members. The paper's smallest that works well is ten; a budget of ten full
            trainings is what most have.
        intervals: How often members are compared in a full training.
        truncation: Share of the members that copy, and share that is copied: the paper's fifth.
        resample: Chance of a value to be drawn anew instead of moved: the paper's quarter.
        factors: What a value on a logarithmic range is multiplied by: the paper's 0.8 and 1.2.
        step: What one on a linear range moves by, as a share of it.
        reserve: Full trainings' worth of budget kept for taking the best members to their end.
    """

    population: int = 10
    intervals: int = 10
    truncation: float = 0.2
    resample: float = 0.25
    factors: tuple[float, float] = (0.8, 1.2)
    step: float = 0.1
    reserve: float = 1.0

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next steps; none when the space is used up and nothing is left to finish."""
        full = space.baseline.epochs
        at = self.rungs(full)
        if (last := promotion.last_step(history, full, self.reserve)) is not None:
            return [last]
        founders = [trial for trial in history.trials if trial.parent is None]
        for begin in range(0, len(founders), self.population):
            members = _family(history, founders[begin : begin + self.population])
            steps = self._advanced(space, history, members, at, rng)
            if steps is not None:
                return promotion.within(steps, history, full, self.reserve)
        return promotion.within(self._new(space, history, at[0]), history, full, self.reserve)

    def rungs(self, full: int) -> list[int]:
        """Return the epochs at which members are compared.

        >>> PBT().rungs(40), PBT().rungs(7)
        ([4, 8, 12, 16, 20, 24, 28, 32, 36, 40], [1, 2, 3, 4, 5, 6, 7])
        """
        interval = max(1, round(full / self.intervals))
        rungs = list(range(interval, full, interval))
        return [*(rung for rung in rungs if full - rung >= interval / 2), full]

    def _new(self, space: Space, history: History, first: int) -> list[Step]:
        """Return a new population, the baseline in the first one."""
        if not history.trials:
            recipes = [space.baseline, *new_recipes(space, history, self.population - 1, lean=0.5)]
        else:
            recipes = new_recipes(space, history, self.population, lean=0.5)
        return started(recipes, first, history)

    def _advanced(
        self,
        space: Space,
        history: History,
        members: Sequence[Trial],
        at: Sequence[int],
        rng: np.random.Generator,
    ) -> list[Step] | None:
        """Return the steps of the first rung that a population has not passed as a whole.

        None where it is at its end; no step where others still train what has to come first.
        """
        alive = [trial for trial in members if trial.parent is None]
        for rung, following in zip(at, [*at[1:], None], strict=True):
            behind = [t for t in alive if t.epochs < rung and t.state in LIVE_STATES]
            if behind:
                return [Step(rung, trial=t.number) for t in behind if t.state == "paused"]
            if following is None:
                return None
            ranked = sorted(alive, key=lambda t: (_loss(history, t, rung), t.number))
            count = int(self.truncation * len(ranked))
            sound = [t for t in ranked if _loss(history, t, rung) < math.inf]
            lost = len(ranked) - len(sound)
            children = [t for t in members if t.parent is not None and t.parent[1] == rung]
            missing = max(count, lost) - len(children)
            ready = [t for t in sound[: max(count, 1)] if t.epochs == rung]
            if missing > 0 and ready and len(ranked) > 1:
                copies = self._copies(space, history, ready, missing, rung, following, rng)
                if copies:
                    return copies
            # The last of the ranking are those that gave up for a copy; who failed is gone.
            left = ranked[: len(ranked) - len(children)]
            alive = [t for t in left if t in sound] + children
        return None

    def _copies(
        self,
        space: Space,
        history: History,
        ready: Sequence[Trial],
        count: int,
        rung: int,
        following: int,
        rng: np.random.Generator,
    ) -> list[Step]:
        """Return new trials that go on from the best ones, with other values from a rung on."""
        seen = {trial.recipe.identity for trial in history.trials}
        steps: list[Step] = []
        for _ in range(16 * count):
            if len(steps) == count:
                break
            parent = ready[int(rng.integers(len(ready)))]
            recipe = self._explored(space, parent.recipe, rung, rng)
            if recipe is not None and recipe.identity not in seen:
                seen.add(recipe.identity)
                steps.append(
                    Step(following, recipe=recipe, seed=parent.seed, parent=(parent.number, rung))
                )
        return steps

    def _explored(
        self, space: Space, recipe: Recipe, rung: int, rng: np.random.Generator
    ) -> Recipe | None:
        """Return a recipe whose values change after a rung; None where none of the space can."""
        now, values = recipe.at(rung), []
        for name in space.parameters:
            domain = space.active(name, now)
            if name in CHANGEABLE and isinstance(domain, Float) and domain.low < domain.high:
                value = self._moved(domain, float(now.get(name) or 0.0), rng)
                if value != now.get(name):
                    values.append((name, value))
        if not values:
            return None
        return recipe.replace({"changes": (*recipe.changes, (rung, tuple(sorted(values))))})

    def _moved(self, domain: Float, value: float, rng: np.random.Generator) -> float:
        if rng.random() < self.resample:
            return domain.at(float(rng.random()))
        up = int(rng.integers(2))
        if domain.log:
            moved = max(value, domain.low) * self.factors[up]
        else:
            moved = value + (-1, 1)[up] * self.step * (domain.high - domain.low)
        return domain.at(domain.unit(moved))


def _loss(history: History, trial: Trial, rung: int) -> float:
    """Return a member's loss at a rung; infinite for one that never got there."""
    reached = trial.epochs >= rung or trial.state == "finished"
    return level(history, trial, rung) if reached else math.inf


def _family(history: History, founders: Sequence[Trial]) -> list[Trial]:
    """Return some trials and all that descend from them."""
    known = {trial.number for trial in founders}
    members = []
    for trial in history.trials:  # a child comes after its parent
        if trial.number in known or (trial.parent is not None and trial.parent[0] in known):
            known.add(trial.number)
            members.append(trial)
    return members
