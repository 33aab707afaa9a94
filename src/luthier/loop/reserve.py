"""What a study keeps back from its search, so that it can say what the search was worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from luthier.core import History
from luthier.loop.assembly import Assembly
from luthier.loop.budget import Budget
from luthier.proof import FEWEST, STAGES

SHARE = 0.25  # of the budget, at most: it leaves the search most of it


def cost(seeds: int) -> int:
    """Return how many trainings it takes to look at so many seeds of winner and baseline.

    At the fewest, the baseline's first training is one of its seeds.

    >>> cost(2), cost(3)
    (3, 6)
    """
    return 2 * seeds - (seeds == FEWEST)


def least() -> int:
    """Return how many full trainings a budget needs for any verdict.

    >>> least()
    12
    """
    return ceil(cost(FEWEST) / SHARE)


def stages(budget: Budget, full: int, *, share: float = SHARE) -> tuple[int, ...]:
    """Return the numbers of seeds at which a confirmation looks, as far as the budget reaches.

    Three seeds of both recipes from 24 full trainings on; two from 12 on.

    Args:
        budget: Of the whole study.
        full: Epochs of a full training.
        share: Of the budget, at most.

    >>> [stages(Budget(epochs=trainings * 30), 30) for trainings in (11, 12, 24, 40)]
    [(), (2,), (3,), (3, 5)]
    """
    return affordable((FEWEST, *STAGES), share * min(budget.epochs / full, budget.trials))


def affordable(seeds: Sequence[int], trainings: float) -> tuple[int, ...]:
    """Return what some trainings pay for; a look at the fewest only where no other one is.

    >>> affordable((2, 3, 5), 5), affordable((2, 3, 5), 6)
    ((2,), (3,))
    """
    found = tuple(count for count in seeds if cost(count) <= trainings)
    return found if found == (FEWEST,) else tuple(count for count in found if count != FEWEST)


def for_search(
    budget: Budget, full: int, history: History, parts: Assembly, *, share: float = SHARE
) -> Budget:
    """Return what the search may spend: all but the reserve.

    What has confirmed already is part of the reserve, so that a study that goes on with the same
    budget searches no more than it would have without the break.

    Args:
        budget: Of the whole study.
        full: Epochs of a full training.
        history: Of the study so far.
        parts: Tell whether there is a test part; without one nothing can be confirmed.
        share: As in `stages`.
    """
    planned = stages(budget, full, share=share)
    test = parts.arrays.test
    if not planned or test is None or not len(test):
        return budget
    trainings = cost(planned[-1])
    spent = history.confirming
    epochs = sum(trial.epochs for trial in spent)
    seconds = sum(sum(trial.curves.seconds) for trial in spent)
    return replace(
        budget,
        epochs=min(budget.epochs - trainings * full + epochs, budget.epochs),
        trials=min(budget.trials - trainings + len(spent), budget.trials),
        seconds=min((1 - share) * budget.seconds + seconds, budget.seconds),
    )
