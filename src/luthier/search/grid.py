"""Grid search: every combination of a few values of each parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import Categorical, Conditional, Domain, History, Int, Recipe, Space, Step
from luthier.core.keys import bits, fold
from luthier.search import promotion

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Grid:
    """Train every combination to its end, in a shuffled order, until the budget ends.

    For few parameters with few values, where the whole table is wanted. The order is shuffled so
    that a budget that ends early has not seen one corner alone.

    Args:
        resolution: Values of a number's range, its ends included; 4 are two for each side. A range
            of whole numbers has no more than there are, a choice has all of its own.
        batch: Steps of one decision. Eight keep a handful of workers busy.
    """

    resolution: int = 4
    batch: int = 8

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next trials; none when all combinations were tried."""
        full = space.baseline.epochs
        if paused := promotion.cut_short(history, full):  # a budget had cut them short
            return [Step(full, trial=trial.number) for trial in paused[: self.batch]]
        wanted = int(min(self.batch, history.trials_left))
        recipes = [space.baseline] if not history.trials else []
        seen = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
        for recipe in self._from(space, max(len(history.trials) - 1, 0), history.seed):
            if len(recipes) >= wanted:
                break
            if recipe.identity not in seen:
                seen.add(recipe.identity)
                recipes.append(recipe)
        return [Step(full, recipe=recipe, seed=history.seed) for recipe in recipes]

    def values(self, domain: Domain) -> list[float]:
        """Return the positions in [0, 1] of a range's values.

        >>> Grid().values(Int(1, 3)), Grid(resolution=3).values(Categorical("sgd", "adam"))
        ([0.16..., 0.5, 0.83...], [0.25, 0.75])
        """
        if isinstance(domain, Categorical):
            return [domain.unit(choice) for choice in domain.choices]
        count = self.resolution
        if isinstance(domain, Int):
            there = (domain.high - domain.low) // domain.step + 1
            if there <= count:
                return [domain.unit(domain.low + i * domain.step) for i in range(there)]
        if isinstance(domain, Conditional):
            cases = [self.values(case) for case in domain.cases.values()]
            return max(cases, key=len)
        return [i / (count - 1) for i in range(count)] if count > 1 else [0.5]

    def _from(self, space: Space, start: int, seed: int) -> Iterator[Recipe]:
        """Return the combinations from a place in the shuffled order on.

        The order is ``a * k + b`` modulo their number, with `a` prime to it: a shuffle that needs
        no list of them, as there may be billions.
        """
        if not space.dimensions:
            return
        values = [self.values(domain) for domain in space.parameters.values()]
        total = math.prod(len(one) for one in values)
        shift, factor = bits(fold(seed, 0), 0) % total, bits(fold(seed, 1), 0) % total
        while math.gcd(factor, total) != 1:
            factor = (factor + 1) % total
        for k in range(start, total):
            rest, point = (factor * k + shift) % total, []
            for one in values:
                rest, index = divmod(rest, len(one))
                point.append(one[index])
            yield space.decode(point)
