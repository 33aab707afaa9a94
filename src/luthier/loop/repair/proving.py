"""Proof of a repair: before and after with fresh seeds, and what each change contributed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from luthier.core import IGNORED, History, Part, Recipe, Space, Step, Storage, Trial
from luthier.loop.assembly import Assembly
from luthier.loop.proving.confirming import Rerun
from luthier.loop.proving.contributions import contributions, row_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

LOOKS = (3, 5, 8)  # seeds of before and after; only what trains now well, now badly needs eight
ALONE = 4  # trainings that lack one change each: they tell how much, not whether


@dataclass(frozen=True)
class Proving:
    """Train some recipes to their ends with fresh seeds: they follow the one that chose.

    Args:
        recipes: What is trained, by turns.
        seeds: How many of each.
    """

    recipes: tuple[Recipe, ...]
    seeds: int
    purpose: ClassVar[str] = "confirm"

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return what is missing."""
        steps = []
        for one in self.wanted(history):
            if one.trial is None:
                steps.append(Step(one.until, recipe=one.recipe, seed=one.seed, purpose="confirm"))
            elif one.trial.state == "paused" and one.left:
                steps.append(Step(one.until, trial=one.trial.number))
        return steps

    def wanted(self, history: History) -> list[Rerun]:
        """Return the trainings that it takes.

        >>> plan = Proving((Recipe(epochs=5), Recipe(epochs=7)), 2)
        >>> [(one.seed, one.until) for one in plan.wanted(History())]
        [(1, 5), (1, 7), (2, 5), (2, 7)]
        """
        first = history.seed + 1
        return [
            Rerun(recipe, seed, recipe.epochs, _trained(history, recipe, seed))
            for seed in range(first, first + self.seeds)
            for recipe in self.recipes
        ]

    def trials(self, history: History, recipe: Recipe) -> list[Trial]:
        """Return a recipe's trainings in the order of their seeds; those that are there."""
        found = [one.trial for one in self.wanted(history) if one.recipe == recipe]
        return [trial for trial in found if trial is not None]


def alone(changes: int) -> int:
    """Return how many seeds of each recipe that lacks one of some changes are trained.

    >>> [alone(changes) for changes in (2, 3, 5)]
    [2, 1, 1]
    """
    return max(ALONE // changes, 1)


def _trained(history: History, recipe: Recipe, seed: int) -> Trial | None:
    same = (t for t in history.confirming if (t.recipe, t.seed) == (recipe, seed))
    return next(same, None)


def table(
    parts: Assembly, storage: Storage, study: str, trials: Sequence[Trial], *, test: bool
) -> Array:
    """Return what each row contributes to each training's score: (trainings, rows).

    A training that failed before it had any score counts as one that guesses: it says of every
    row what is true of the training rows on the whole.

    Args:
        parts: Builder, data and framework.
        storage: Where the trainings' weights are.
        study: Whose.
        trials: The trainings.
        test: Whether test rows judge; else those of validation.
    """
    rows = []
    for trial in trials:
        arrays = parts.preparation.arrays(trial.recipe)
        part = arrays.test if test and arrays.test is not None else arrays.val
        state = storage.state(study, trial.number)
        score = trial.curves.score(arrays.task.metric, arrays.task.direction)
        outputs = None
        if state is not None and score is not None and np.isfinite(score):
            model = parts.framework.restore(parts.build, trial.recipe, arrays.task, state)
            outputs = parts.framework.outputs(model, part, arrays.task)
        if outputs is None or not np.isfinite(outputs).all():
            outputs = guess(arrays.train, part, arrays.task.n_outputs, bool(arrays.task.classes))
        rows.append(contributions(arrays.task, outputs, part, row_units(parts, part)))
    return np.array(rows)


def floored(scores: Array, floor: Array, direction: str) -> Array:
    """Return a table of scores in which no training is worse than one that guesses.

    How far beyond guessing an exploded training lies says nothing: five losses from 3 to 21 against
    five of 0.1 would pass for chance, as their mean is not known to within 8.

    Args:
        scores: (trainings, rows), as `table` returns it.
        floor: (rows,), as `guesses` returns it.
        direction: ``minimize`` or ``maximize``.

    >>> floored(np.array([[9.0, 1.0], [0.2, 0.1]]), np.array([0.7, 0.6]), "minimize").tolist()
    [[0.7, 0.6], [0.2, 0.1]]
    """
    sign = 1.0 if direction == "maximize" else -1.0
    worse = sign * scores.mean(axis=1) < sign * floor.mean()
    return np.where(worse[:, None], floor[None, :], scores)


def guesses(parts: Assembly, recipe: Recipe, *, test: bool) -> Array:
    """Return what each row contributes to the score of what has learnt nothing: (rows,)."""
    arrays = parts.preparation.arrays(recipe)
    part = arrays.test if test and arrays.test is not None else arrays.val
    outputs = guess(arrays.train, part, arrays.task.n_outputs, bool(arrays.task.classes))
    return contributions(arrays.task, outputs, part, row_units(parts, part))


def guess(train: Part, part: Part, outputs: int, classes: bool) -> Array:
    """Return what a network says that has learnt nothing but how common classes are.

    Numbers to predict are centred on the training rows: their mean is 0.
    """
    if not classes:
        return np.zeros((len(part), outputs))
    counts = np.bincount(train.target[train.target != IGNORED], minlength=outputs)
    shares = (counts + 1) / (counts.sum() + outputs)
    return np.tile(np.log(shares), (part.target.size, 1))
