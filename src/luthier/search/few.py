"""Few trials of a large network: the rate first, then what rules of thumb leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.core import Float, History, Recipe, Space, Step, Trial
from luthier.search import promotion
from luthier.search.neighbours import neighbours
from luthier.search.quasirandom import new_recipes

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class Few:
    """Train one trial after another to its end, and spend each on what matters most.

    With ten trials nobody can search ten dimensions. The learning rate matters most and has one
    minimum, so it comes first, and alone below ten trials: half an order of magnitude up and down
    from the start, on in the direction that helps, then where a parabola through the best three
    has its lowest point. From ten trials on, Adam's beta1 follows (Choi et al. 2019, "On Empirical
    Comparisons of Optimizers for Deep Learning"), then neighbours of the best. The last trials of
    a small budget are the winner's with other seeds, so that its score has a spread.

    Args:
        seeds: Trials kept for that; none where the study confirms its winner.
        alone: Trials beside those, below which the rate alone is varied.
        factor: From one rate to the next, at first.
        betas: What beta1 is tried with: the two that papers use beside 0.9.
    """

    seeds: int = 0
    alone: int = 8
    factor: float = math.sqrt(10)
    betas: tuple[float, ...] = (0.95, 0.8)

    def __call__(self, space: Space, history: History, rng: Generator) -> list[Step]:
        """Return the next step; none when the space is used up."""
        full = space.baseline.epochs
        if cut := promotion.cut_short(history, full):
            best = min(cut, key=lambda trial: (history.loss(trial), trial.number))
            return [Step(full, trial=best.number)]
        if any(trial.state in ("waiting", "running") for trial in history.trials):
            return []  # what it comes to decides
        if not history.trials:
            # The first decision has no more to go by than spread points, for other workers.
            others = new_recipes(space, history, 1)
            first = [space.baseline] if self._rate(space) else [space.baseline, *others]
            return [Step(full, recipe=recipe, seed=history.seed) for recipe in first]
        repeat = self._repeat(history)
        if repeat is not None:
            return [Step(full, recipe=repeat[0], seed=repeat[1])]
        recipe = self._next(space, history, rng)
        return [] if recipe is None else [Step(full, recipe=recipe, seed=history.seed)]

    def rates(self, trials: float) -> int:
        """Return how many of some trials try a rate, the first one included.

        >>> Few().rates(7), Few().rates(9), Few().rates(40)
        (7, 5, 10)
        """
        return int(trials if trials < self.alone else (min(trials, 20) + 1) // 2)

    def _repeat(self, history: History) -> tuple[Recipe, int] | None:
        """Return the winner and a seed that it has not had, where the last trials have come."""
        total = len(history.trials) + history.trials_left
        if not self.seeds or total == math.inf or history.trials_left > self.seeds:
            return None
        first = [trial for trial in history.trials if trial.seed == history.seed]
        best = History(tuple(first), history.metric, history.direction).best
        if total <= self.seeds + 1 or best is None:
            return None
        had = {trial.seed for trial in history.trials if trial.recipe == best.recipe}
        return best.recipe, max(had) + 1

    def _next(self, space: Space, history: History, rng: Generator) -> Recipe | None:
        total = len(history.trials) + history.trials_left
        best = history.best
        if best is None:
            return self._lower(space, history)
        seen = {trial.recipe.identity for trial in history.trials}
        name = self._rate(space)
        if name is not None:
            enough = self.rates(total - self.seeds)
            if len(_varied(history, name)) < enough:
                recipe = self._by_rate(space, history, name)
                if recipe is not None and recipe.identity not in seen:
                    return recipe
        for beta in self.betas if "beta1" in space.parameters else ():
            domain = space.active("beta1", best.recipe)
            if isinstance(domain, Float) and beta in domain:
                recipe = best.recipe.replace({"beta1": beta})
                alike = [t for t in history.trials if t.recipe.beta1 == beta]
                if not alike and recipe.identity not in seen:
                    return recipe
        near = neighbours(space, history, 1, rng, parents=1, share=0.2)
        return next(iter(near or new_recipes(space, history, 1)), None)

    def _rate(self, space: Space) -> str | None:
        """Return the name of the rate: an objective may call it what it likes."""
        names = ("learning_rate", "model.learning_rate", "model.lr")
        return next((name for name in names if name in space.parameters), None)

    def _lower(self, space: Space, history: History) -> Recipe | None:
        """Return the start at a lower rate, where all failed so far; else another point."""
        name = self._rate(space)
        if name is None:
            return next(iter(new_recipes(space, history, 1)), None)
        lowest = min(history.trials, key=lambda trial: float(trial.recipe.get(name) or 0.0))
        domain = space.active(name, lowest.recipe)
        if not isinstance(domain, Float):
            return None
        rate = float(lowest.recipe.get(name)) / self.factor**2
        recipe = lowest.recipe.replace({name: domain.at(domain.unit(rate))})
        seen = {trial.recipe.identity for trial in history.trials}
        return None if recipe.identity in seen else recipe

    def _by_rate(self, space: Space, history: History, name: str) -> Recipe | None:
        """Return the best recipe so far with the rate that is worth a trial next."""
        trials = _varied(history, name)
        best = min(trials, key=lambda trial: (history.loss(trial), trial.number))
        domain = space.active(name, best.recipe)
        if not isinstance(domain, Float):
            return None
        tried = {float(trial.recipe.get(name)): history.loss(trial) for trial in trials}
        for rate in _worth(tried, float(best.recipe.get(name)), self.factor):
            value = domain.at(domain.unit(rate))
            if all(abs(math.log(value / other)) > 0.1 for other in tried):
                return best.recipe.replace({name: value})
        return None


def _varied(history: History, name: str) -> Sequence[Trial]:
    """Return the trials that differ from the first one in the rate alone."""
    first = history.trials[0].recipe
    return [
        trial
        for trial in history.trials
        if trial.seed == history.seed and set(first.difference(trial.recipe)) <= {name}
    ]


def _worth(tried: dict[float, float], best: float, factor: float) -> list[float]:
    """Return rates worth a trial, the most promising first."""
    rates = sorted(tried)
    place = rates.index(best)
    if place == len(rates) - 1:
        return [best * factor, best / math.sqrt(factor)]
    if place == 0:
        return [best / factor, best * math.sqrt(factor)]
    below, above = rates[place - 1], rates[place + 1]
    logs = np.log([below, best, above])
    losses = np.array([tried[below], tried[best], tried[above]])
    middle = [math.sqrt(below * best), math.sqrt(best * above)]
    if losses[0] > losses[2]:
        middle.reverse()
    if not np.isfinite(losses).all():
        return middle
    bend, slope, _ = np.polyfit(logs - logs[1], losses, 2)
    if bend <= 0:
        return middle
    lowest = best * math.exp(-slope / (2 * bend))
    return [min(max(lowest, below * 1.2), above / 1.2), *middle]
