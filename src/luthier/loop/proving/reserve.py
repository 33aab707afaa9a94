"""What a study keeps back from its search, so that it can say what the search was worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from luthier.core import History
from luthier.loop.assembly import Assembly
from luthier.loop.working.budget import Budget
from luthier.proof import FEWEST, STAGES

SHARE = 0.25  # of the budget, at most: it leaves the search most of it


def cost(seeds: int, *, reuse: bool = True) -> int:
    """Return how many trainings it takes to look at so many seeds of winner and baseline.

    Args:
        seeds: Of each.
        reuse: Whether, at the fewest, the baseline's first training is one of its seeds.

    >>> cost(2), cost(3), cost(2, reuse=False)
    (3, 6, 4)
    """
    return 2 * seeds - (reuse and seeds == FEWEST)


def least(*, reuse: bool = True) -> int:
    """Return how many full trainings a budget needs for any verdict.

    >>> least(), least(reuse=False)
    (12, 16)
    """
    return ceil(cost(FEWEST, reuse=reuse) / SHARE)


def stages(
    budget: Budget, full: int, *, share: float = SHARE, reuse: bool = True
) -> tuple[int, ...]:
    """Return the numbers of seeds at which a confirmation looks, as far as the budget reaches.

    Three seeds of both recipes from 24 full trainings on; two from 12 on.

    Args:
        budget: Of the whole study.
        full: Epochs of a full training.
        share: Of the budget, at most.
        reuse: As in `cost`.

    >>> [stages(Budget(epochs=trainings * 30), 30) for trainings in (11, 12, 24, 40)]
    [(), (2,), (3,), (3, 5)]
    """
    trainings = share * min(budget.epochs / full, budget.trials)
    return affordable((FEWEST, *STAGES), trainings, reuse=reuse)


def affordable(seeds: Sequence[int], trainings: float, *, reuse: bool = True) -> tuple[int, ...]:
    """Return what some trainings pay for; a look at the fewest only where no other one is.

    >>> affordable((2, 3, 5), 5), affordable((2, 3, 5), 6)
    ((2,), (3,))
    """
    found = tuple(count for count in seeds if cost(count, reuse=reuse) <= trainings)
    return found if found == (FEWEST,) else tuple(count for count in found if count != FEWEST)


def for_search(
    budget: Budget,
    full: int,
    history: History,
    parts: Assembly,
    *,
    share: float = SHARE,
    reuse: bool = True,
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
        reuse: As in `cost`.
    """
    planned = stages(budget, full, share=share, reuse=reuse)
    test = parts.arrays.test
    if not planned or test is None or not len(test):
        return budget
    trainings = cost(planned[-1], reuse=reuse)
    spent = history.confirming
    epochs = sum(trial.epochs for trial in spent)
    seconds = sum(sum(trial.curves.seconds) for trial in spent)
    return replace(
        budget,
        epochs=min(budget.epochs - trainings * full + epochs, budget.epochs),
        trials=min(budget.trials - trainings + len(spent), budget.trials),
        seconds=min((1 - share) * budget.seconds + seconds, budget.seconds),
    )
