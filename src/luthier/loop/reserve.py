"""What a study keeps back from its search, so that it can say what the search was worth."""

from __future__ import annotations

from dataclasses import replace

from luthier.core import History
from luthier.loop.assembly import Assembly
from luthier.loop.budget import Budget
from luthier.proof import STAGES


def stages(budget: Budget, full: int, *, share: float = 0.25) -> tuple[int, ...]:
    """Return the numbers of seeds at which a confirmation looks, as far as the budget reaches.

    Args:
        budget: Of the whole study.
        full: Epochs of a full training.
        share: Of the budget, at most. A quarter leaves the search most of it, and pays for three
            seeds of both recipes from 24 full trainings on.

    >>> stages(Budget(epochs=1200), 30), stages(Budget(epochs=600), 30)
    ((3, 5), ())
    """
    trainings = share * min(budget.epochs / full, budget.trials)
    return tuple(count for count in STAGES if 2 * count <= trainings)


def for_search(
    budget: Budget, full: int, history: History, parts: Assembly, *, share: float = 0.25
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
    trainings = 2 * planned[-1]
    spent = history.confirming
    epochs = sum(trial.epochs for trial in spent)
    seconds = sum(sum(trial.curves.seconds) for trial in spent)
    return replace(
        budget,
        epochs=min(budget.epochs - trainings * full + epochs, budget.epochs),
        trials=min(budget.trials - trainings + len(spent), budget.trials),
        seconds=min((1 - share) * budget.seconds + seconds, budget.seconds),
    )
