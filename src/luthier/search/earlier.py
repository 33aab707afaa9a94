"""Trainings of another length: what earlier studies of the same data tell of a study's recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf

import numpy as np

from luthier.core import History, Recipe, Space, Step, Strategy, Trial

FAR = 1_000_000  # from a study's own numbers of trials to those of earlier ones


@dataclass(frozen=True)
class Following:
    """Have a strategy see the trials of earlier studies beside those of its own.

    Results of different lengths do not compare; what they tell of recipes carries over (the tuning
    playbook's rounds: Godbole et al. 2023). A strategy without a use for them leaves them.

    Args:
        strategy: Decides.
        earlier: The trials, with recipes of their own lengths.
    """

    strategy: Strategy
    earlier: tuple[Trial, ...]

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> Sequence[Step]:
        """Return the strategy's next steps."""
        return self.strategy(space, replace(history, earlier=self.earlier), rng)


def comparable(space: Space, history: History) -> list[Trial]:
    """Return the earlier trials whose recipes differ from the space's in their length alone.

    They are numbered beyond all of the study's own.

    Args:
        space: What may vary.
        history: Has the earlier trials.

    >>> from luthier.core import Float
    >>> space = Space({"dropout": Float(0.0, 0.5)}, Recipe(epochs=40))
    >>> recipes = [Recipe(epochs=20, dropout=0.2), Recipe(epochs=20, dropout=0.2, l1=0.1)]
    >>> before = tuple(Trial(0, one, 0) for one in recipes)
    >>> [trial.recipe.l1 for trial in comparable(space, History(earlier=before))]
    [0.0]
    """
    return [
        replace(trial, number=FAR + place)
        for place, trial in enumerate(history.earlier)
        if _said(space, trial.recipe)
    ]


def best_recipes(space: Space, history: History, count: int) -> list[Recipe]:
    """Return the best earlier recipes, those of whole trainings first, as long as the study's are.

    Args:
        space: What may vary.
        history: Has the earlier trials.
        count: How many, at most.
    """
    if count <= 0:  # as soon as a study has enough of its own
        return []
    scored = [one for one in comparable(space, history) if history.loss(one) != inf]
    scored.sort(key=lambda one: (one.recipe.epochs - one.epochs > 0, history.rank(one)))
    found: dict[str, Recipe] = {}
    for one in scored:
        recipe = _lasting(space, one.recipe)
        found.setdefault(recipe.identity, recipe)
    return list(found.values())[:count]


def _said(space: Space, recipe: Recipe) -> bool:
    """Tell whether a space can say a recipe, but for its length."""
    mine = _lasting(space, recipe)
    if not _same_beside(mine, space.baseline, tuple(space.parameters)):
        return False
    for name in space.parameters:
        domain, value = space.active(name, mine), mine.get(name)
        if domain is not None and value not in domain and value != space.baseline.get(name):
            return False
    return True


def _lasting(space: Space, recipe: Recipe) -> Recipe:
    return _as_long(recipe, space.baseline.epochs)


# Strategies ask at every decision, and hashing hundreds of recipes takes as long as the decision.
@lru_cache(maxsize=4096)
def _as_long(recipe: Recipe, epochs: int) -> Recipe:
    return recipe.replace({"epochs": epochs})


@lru_cache(maxsize=4096)
def _same_beside(one: Recipe, other: Recipe, names: tuple[str, ...]) -> bool:
    """Tell whether two recipes are the same but for some keys."""
    return other.replace({name: one.get(name) for name in names}).identity == one.identity
