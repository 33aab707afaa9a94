"""Random search: recipes drawn independently, each trained to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import History, Recipe, Space, Step
from luthier.search.structures import with_few_structures

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Random:
    """Draw recipes and train each to its end (Bergstra and Bengio 2012).

    The yardstick of every search: what is no better is not worth its code. After the baseline
    nothing depends on what was found, so its trials are an unbiased sample of the space.

    Args:
        batch: Steps of one decision. Eight keep a handful of workers busy.
        attempts: Draws for each recipe that is wanted, before a small space counts as used up.
    """

    batch: int = 8
    attempts: int = 64

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next trials; none when the space is used up."""
        full = space.baseline.epochs
        paused = [t for t in history.trials if t.state == "paused" and t.epochs < full]
        if paused:  # a budget had cut them short
            return [Step(full, trial=trial.number) for trial in paused[: self.batch]]
        wanted = int(min(self.batch, history.trials_left))
        recipes = [space.baseline] if not history.trials else []
        drawn = self._drawn(space, history, wanted - len(recipes), rng)
        recipes += with_few_structures(drawn, space, history)
        return [Step(full, recipe=recipe, seed=history.seed) for recipe in recipes]

    def _drawn(
        self, space: Space, history: History, count: int, rng: np.random.Generator
    ) -> list[Recipe]:
        seen = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
        found: list[Recipe] = []
        for _ in range(self.attempts * max(count, 0)):
            if len(found) == count:
                break
            recipe = space.decode(rng.random(space.dimensions).tolist())
            if recipe.identity not in seen:
                seen.add(recipe.identity)
                found.append(recipe)
        return found
