"""Small data: the finalists again, on other splits of training and validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from luthier.core import History, Space, Step, Trial
from luthier.loop.assembly import Assembly
from luthier.loop.proving.confirming import Contender
from luthier.loop.working.budget import Budget

if TYPE_CHECKING:
    import numpy as np

FINALISTS = 3  # the baseline and the two best of the others
SMALL = 500  # validation rows: with more, one split ranks finalists as well as seeds allow
SHARE = 0.25  # of the budget, at most
MOST = 4  # further splits: with the first one as many as folds are customary
FIRST_SEED = 1_000_000  # far from seeds that search and confirm


@dataclass(frozen=True)
class Repeating:
    """Train each finalist on some further splits; the best mean over those wins.

    A small validation part ranks recipes by luck: the best of many on it is the luckiest, too. Its
    seed draws the split of such a training, so that what it comes to is still a function of recipe,
    seed and engine. The test part stays as it is, and closed.

    Args:
        splits: How many.
        finalists: How many recipes.
    """

    splits: int
    finalists: int = FINALISTS
    purpose: ClassVar[str] = "repeat"

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return what is missing."""
        steps = []
        for one, seed in self._wanted(history):
            trial = _trained(history, one, seed)
            if trial is None:
                steps.append(Step(one.until, recipe=one.recipe, seed=seed, purpose=self.purpose))
            elif trial.state == "paused" and trial.epochs < one.until:
                steps.append(Step(one.until, trial=trial.number))
        return steps

    def missing(self, history: History) -> tuple[int, int]:
        """Return how many trainings, and how many epochs, are still to be had."""
        left = []
        for one, seed in self._wanted(history):
            trial = _trained(history, one, seed)
            ended = trial is not None and trial.state in ("finished", "failed", "pruned")
            left.append(0 if ended else one.until - (0 if trial is None else trial.epochs))
        return sum(epochs > 0 for epochs in left), sum(max(epochs, 0) for epochs in left)

    def _wanted(self, history: History) -> list[tuple[Contender, int]]:
        trials = [t for t in history.searched.trials if history.loss(t) != float("inf")]
        if not trials:
            return []
        first = history.trials[0]
        ranked = sorted(trials, key=history.rank)
        others = [t for t in ranked if t.number][: self.finalists - 1]
        if not others:
            return []
        found = [Contender(first.recipe, first.recipe.epochs), *map(Contender.of, others)]
        seeds = [FIRST_SEED + history.seed * MOST + split for split in range(self.splits)]
        return [(one, seed) for seed in seeds for one in found]


def splits_again(budget: Budget, full: int, parts: Assembly, *, share: float = SHARE) -> int:
    """Return on how many further splits finalists are trained; 0 where they are not.

    Not where rows are many, where their order in time or the user says which ones validate, or
    where the budget does not pay for two of them: then a search is worth more.

    Args:
        budget: Of the whole study, search and confirmation.
        full: Epochs of a full training.
        parts: Tell about the data.
        share: Of the budget, at most.
    """
    raw = parts.preparation.dataset.raw
    if len(parts.arrays.val) >= SMALL or raw["time"] is not None or raw["given"] is not None:
        return 0
    trainings = share * min(budget.epochs / full, budget.trials)
    splits = int(min(trainings, MOST * FINALISTS) // FINALISTS)  # of a budget in time: the most
    return splits if splits >= 2 else 0


def affordable_splits(budget: Budget, most: int, history: History) -> int:
    """Return on how many further splits what is left of a budget trains all finalists.

    Args:
        budget: All but what confirms.
        most: As planned.
        history: Of the study so far: its pace tells what time pays for.
    """
    pace = history.seconds / max(history.epochs, 1)
    for splits in range(most, 1, -1):
        trainings, epochs = Repeating(splits).missing(history)
        if (
            epochs <= budget.epochs - history.epochs
            and trainings <= budget.trials - len(history.trials)
            and epochs * pace <= budget.seconds - history.seconds
        ):
            return splits
    return 0


def _trained(history: History, one: Contender, seed: int) -> Trial | None:
    same = (t for t in history.repeating if (t.recipe, t.seed) == (one.recipe, seed))
    return next(same, None)
