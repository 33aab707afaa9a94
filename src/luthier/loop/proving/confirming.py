"""The steps of a confirmation: winner and baseline again, with seeds that chose nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from luthier.core import History, Recipe, Space, Step, Trial
from luthier.proof import FEWEST

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Contender:
    """A recipe that is to be confirmed.

    Args:
        recipe: What is trained.
        until: For how many epochs.
    """

    recipe: Recipe
    until: int

    @classmethod
    def of(cls, trial: Trial) -> Contender:
        """Return a trial's recipe, for as long as it was trained when it was chosen.

        What early stopping ended may go on for longer with another seed.
        """
        return cls(trial.recipe, trial.recipe.epochs if trial.state == "finished" else trial.epochs)


Rivals = tuple[Contender, Contender]


@dataclass(frozen=True)
class Rerun:
    """One training that a confirmation needs.

    Args:
        recipe: What is trained.
        seed: With which seed.
        until: For how many epochs.
        trial: The training itself, as far as it went; None where it has not begun.
    """

    recipe: Recipe
    seed: int
    until: int
    trial: Trial | None

    @property
    def left(self) -> int:
        """How many epochs are missing; one that its own early stopping ended is complete."""
        if self.trial is None:
            return self.until
        return 0 if self.trial.state == "finished" else max(self.until - self.trial.epochs, 0)


@dataclass(frozen=True)
class Confirming:
    """Train winner and baseline with some fresh seeds.

    The winner trains for as long as it did when it was chosen, the baseline to its end. They are
    trainings of a recipe that was fixed before, so any of the baseline's counts. At two seeds,
    where each training is dear, its first one is one of them: it was there before the search, and
    chose nothing but that it was beaten. (No claim is made where it was not, so a claim that is
    false becomes rarer by it, never more frequent.)

    Args:
        seeds: How many of each. They follow the study's own seed, which chose the winner.
        rivals: Other two than winner and baseline. Both were chosen, so both are trained afresh.
    """

    seeds: int
    rivals: Rivals | None = None
    purpose: ClassVar[str] = "confirm"

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return what is missing; nothing when all is there, or nothing was found."""
        steps = []
        for one in self.wanted(history):
            if one.trial is None:
                steps.append(Step(one.until, recipe=one.recipe, seed=one.seed, purpose="confirm"))
            elif one.trial.state == "paused" and one.left:
                steps.append(Step(one.until, trial=one.trial.number))
        return steps

    def wanted(self, history: History) -> list[Rerun]:
        """Return the trainings that it takes: winner and baseline by turns.

        >>> Confirming(3).wanted(History())
        []
        """
        if self.rivals is not None:
            return self._fresh(history, *self.rivals)
        winner = history.best
        if winner is None or winner.number == 0:
            return []
        first = history.trials[0]
        baseline = Contender(first.recipe, first.recipe.epochs)
        found = self._fresh(history, Contender.of(winner), baseline)
        if self.seeds == FEWEST and first.state == "finished" and first.stored:
            found[-1] = Rerun(first.recipe, first.seed, first.recipe.epochs, first)
        return found

    def _fresh(self, history: History, winner: Contender, baseline: Contender) -> list[Rerun]:
        return [
            _rerun(history, one.recipe, seed, one.until)
            for seed in range(history.seed + 1, history.seed + 1 + self.seeds)
            for one in (winner, baseline)
        ]

    def missing(self, history: History) -> tuple[int, int]:
        """Return how many trainings, and how many epochs, are still to be had."""
        left = [one.left for one in self.wanted(history)]
        return sum(epochs > 0 for epochs in left), sum(left)


def _rerun(history: History, recipe: Recipe, seed: int, until: int) -> Rerun:
    same = (t for t in history.confirming if (t.recipe, t.seed) == (recipe, seed))
    return Rerun(recipe, seed, until, next(same, None))
