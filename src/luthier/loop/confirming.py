"""The steps of a confirmation: winner and baseline again, with seeds that chose nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier.core import History, Recipe, Space, Step, Trial

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Confirming:
    """Train winner and baseline with some fresh seeds, each for as long as it trained before.

    Args:
        seeds: How many. They follow the study's own seed, which chose the winner.
    """

    seeds: int

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return what is missing; nothing when all is there, or nothing was found."""
        steps = []
        for recipe, seed, until in self.wanted(history):
            trial = trained(history, recipe, seed)
            if trial is None:
                steps.append(Step(until, recipe=recipe, seed=seed, purpose="confirm"))
            elif trial.state == "paused" and trial.epochs < until:
                steps.append(Step(until, trial=trial.number))
        return steps

    def wanted(self, history: History) -> list[tuple[Recipe, int, int]]:
        """Return recipe, seed and epochs of each training: winner and baseline by turns.

        >>> Confirming(3).wanted(History())
        []
        """
        winner = history.best
        if winner is None or winner.number == 0:
            return []
        seeds = range(history.seed + 1, history.seed + 1 + self.seeds)
        pair = (winner, history.trials[0])
        return [(one.recipe, seed, one.epochs) for seed in seeds for one in pair]

    def missing(self, history: History) -> tuple[int, int]:
        """Return how many trainings, and how many epochs, are still to be had."""
        left = []
        for recipe, seed, until in self.wanted(history):
            trial = trained(history, recipe, seed)
            left.append(until if trial is None else max(until - trial.epochs, 0))
        return sum(epochs > 0 for epochs in left), sum(left)


def trained(history: History, recipe: Recipe, seed: int) -> Trial | None:
    """Return the training that confirms a recipe with a seed, if there is one."""
    same = (t for t in history.confirming if (t.recipe, t.seed) == (recipe, seed))
    return next(same, None)
