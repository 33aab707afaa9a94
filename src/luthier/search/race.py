"""A race of some recipes: all begin, the best go on, one is trained to its end.

Source: Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
Optimization" (successive halving), with trials that pause and resume.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf

from luthier.core import History, Recipe, Step, Trial

SHARES = (0.25, 0.5, 1.0)  # of a training: schedules have left their warm-up at a quarter
KEPT = (3, 1)  # that go on after each
MOVED = 0.02  # of the first epoch's training loss: less is what batches differ by


def race(
    history: History,
    recipes: Sequence[Recipe],
    *,
    shares: Sequence[float] = SHARES,
    kept: Sequence[int] = KEPT,
) -> list[Step]:
    """Return the steps that a race takes next; nothing once it is decided.

    What failed is out at once. Recipes are compared at the same share of their own epochs.

    Args:
        history: The trials so far.
        recipes: What runs; the first of equals is preferred.
        shares: Of a training, where those that still run are compared.
        kept: How many go on from each but the last.

    >>> steps = race(History(), [Recipe(epochs=40), Recipe(epochs=40, l2=1.0)])
    >>> [step.until for step in steps]
    [10, 10]
    """
    running = list(recipes)
    for share, keep in zip(shares, (*kept, 1), strict=True):
        steps = [step for one in running if (step := _missing(history, one, share)) is not None]
        if steps:
            return steps
        ranked = sorted(running, key=lambda one: rank(history, one, share))
        running = [one for one in ranked[:keep] if at(history, one, share) < inf]
    return []


def cost(
    recipes: Sequence[Recipe], *, shares: Sequence[float] = SHARES, kept: Sequence[int] = KEPT
) -> int:
    """Return how many epochs a race takes at most.

    >>> cost([Recipe(epochs=40)] * 8)
    130
    """
    lengths = sorted((one.epochs for one in recipes), reverse=True)
    total, before = 0.0, 0.0
    for share, count in zip(shares, (len(recipes), *kept), strict=True):
        total += sum(ceil(share * e) - ceil(before * e) for e in lengths[:count])
        before = share
    return int(total)


def trial_of(history: History, recipe: Recipe, *, beside: int = 0) -> Trial | None:
    """Return the trial that trains a recipe with the study's seed, or with one so far beside it."""
    seed = history.seed + beside
    found = (t for t in history.searched.trials if t.recipe == recipe and t.seed == seed)
    return next(found, None)


def at(history: History, recipe: Recipe, share: float) -> float:
    """Return a recipe's loss after a share of its training; infinite where it failed."""
    trial = trial_of(history, recipe)
    if trial is None:
        return inf
    return history.loss(trial, ceil(share * recipe.epochs))


def rank(history: History, recipe: Recipe, share: float) -> tuple[bool, float]:
    """Return what recipes are ranked by: what has not begun to learn comes last.

    Early in a training the loss of what guesses is lower than that of much that learns.
    """
    trial = trial_of(history, recipe)
    losses = () if trial is None else trial.curves.train_loss[: ceil(share * recipe.epochs)]
    stuck = len(losses) > 1 and min(losses[1:]) > (1 - MOVED) * losses[0]
    return stuck, at(history, recipe, share)


def _missing(history: History, recipe: Recipe, share: float) -> Step | None:
    until = ceil(share * recipe.epochs)
    trial = trial_of(history, recipe)
    if trial is None:
        return Step(until, recipe=recipe, seed=history.seed)
    if trial.state == "paused" and trial.epochs < until:
        return Step(until, trial=trial.number)
    return None
