"""The steps of a question: every value gets the same points of its own nuisance parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from luthier.core import History, Recipe, Space, Step, Value
from luthier.search.quasirandom import points

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Asking:
    """Train each value of a parameter with the same points of the others, round by round.

    A round is one point for every value, so that all have the same budget at any time. The first
    is the baseline's own; the others are Sobol's, which cover evenly. What a value makes of a
    coordinate is its own: a learning rate of SGD is not one of Adam.

    Args:
        question: The parameter.
        values: What it may be.
    """

    question: str
    values: tuple[Value, ...]
    purpose: ClassVar[str] = "search"

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return the next round; nothing where the budget does not pay for a whole one."""
        full = space.baseline.epochs
        paused = [t for t in history.trials if t.state == "paused" and t.epochs < full]
        if paused:  # a budget had cut them short
            return [Step(full, trial=trial.number) for trial in paused]
        count = len(self.values)
        done = len(history.trials) // count
        if done and (not self._nuisances(space) or self._short(history, full)):
            return []
        return [
            Step(full, recipe=recipe, seed=history.seed)
            for recipe in self._round(space, done, history.seed)
        ]

    def _short(self, history: History, full: int) -> bool:
        count = len(self.values)
        return history.trials_left < count or history.epochs_left < count * full

    def _nuisances(self, space: Space) -> list[str]:
        return [name for name in space.parameters if name != self.question]

    def _round(self, space: Space, number: int, seed: int) -> list[Recipe]:
        spaces = [self.of(space, value) for value in self.values]
        if not number:
            return [one.baseline for one in spaces]
        point = points(spaces[0].dimensions, number - 1, 1, seed)[0]
        return [one.decode(point.tolist()) for one in spaces]

    def of(self, space: Space, value: Value) -> Space:
        """Return what may vary beside one value of the question."""
        ranges = {name: space.parameters[name] for name in self._nuisances(space)}
        return Space(ranges, space.baseline.replace({self.question: value}))
