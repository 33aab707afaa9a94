"""What study rules read off a history: its trials by score, and where they lie in the space."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.core import Categorical, History, Space, Trial


def ranked(history: History) -> list[Trial]:
    """Return the search's trials that have a score, the best first.

    Trainings that confirm are left out: they stand twice for recipes that were chosen.

    >>> ranked(History())
    []
    """
    scored = [trial for trial in history.searched.trials if math.isfinite(history.loss(trial))]
    return sorted(scored, key=lambda trial: (history.loss(trial), trial.number))


def complete(history: History, *, share: float = 0.95) -> list[Trial]:
    """Return those that were trained nearly as long as the longest: scores that compare.

    >>> complete(History())
    []
    """
    found = ranked(history)
    longest = max((trial.epochs for trial in found), default=0)
    return [trial for trial in found if trial.epochs >= share * longest]


def numeric(space: Space) -> list[str]:
    """Return the parameters whose values have an order, as far as the baseline tells.

    >>> from luthier.core import Float
    >>> numeric(Space({"dropout": Float(0, 0.5), "optimizer": Categorical("sgd", "adam")}))
    ['dropout']
    """
    domains = {name: space.active(name, space.baseline) for name in space.parameters}
    return [name for name, one in domains.items() if not isinstance(one, (Categorical, type(None)))]


def units(space: Space, name: str, trials: Sequence[Trial]) -> list[tuple[Trial, float]]:
    """Return trials in which a parameter is active, with its place in [0, 1]."""
    found = []
    for trial in trials:
        domain = space.active(name, trial.recipe)
        if domain is not None:
            found.append((trial, domain.unit(trial.recipe.get(name))))
    return found


def explained(groups: Sequence[Sequence[float]]) -> float:
    """Return the share of a variance that lies between groups (eta squared).

    >>> explained([[1.0, 1.0], [3.0, 3.0]]), explained([[1.0, 3.0], [1.0, 3.0]])
    (1.0, 0.0)
    """
    values = [one for group in groups for one in group]
    if not values:
        return 0.0
    middle = sum(values) / len(values)
    total = sum((one - middle) ** 2 for one in values)
    between = sum(len(g) * (sum(g) / len(g) - middle) ** 2 for g in groups if g)
    return between / total if total > 0.0 else 0.0
