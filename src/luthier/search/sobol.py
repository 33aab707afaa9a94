"""Quasi-random search: points spread evenly over the space, each trained to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import History, Space, Step
from luthier.search import promotion
from luthier.search.quasirandom import new_recipes
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Sobol:
    """Train the points of Sobol's sequence (1967), shifted at random, each to its end.

    What the Deep Learning Tuning Playbook advises while a problem is being explored: nothing
    depends on what was found, so trials can be compared by any of their parameters afterwards, and
    they cover the space more evenly than random ones.

    Args:
        batch: Steps of one decision. Eight keep a handful of workers busy.
    """

    batch: int = 8

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next trials; none when the space is used up."""
        full = space.baseline.epochs
        if paused := promotion.cut_short(history, full):  # a budget had cut them short
            return [Step(full, trial=trial.number) for trial in paused[: self.batch]]
        wanted = int(min(self.batch, history.trials_left))
        recipes = [space.baseline] if not history.trials else []
        spread = new_recipes(space, history, wanted - len(recipes))
        recipes += with_few_structures(spread, space, history)
        return [Step(full, recipe=recipe, seed=history.seed) for recipe in recipes]
