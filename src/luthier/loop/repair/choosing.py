"""Which cure of a race is taken: what is clearly better, with a second seed as well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil, inf

from luthier.core import History, Recipe, Step, Trial
from luthier.search.race import rank, trial_of

HALF = 0.5  # of a training, that a cure must have had to be the next best
MUCH = 0.5  # of the loss, that a cure whose cause is known takes away: no seed does that
MOST = 2  # cures of a race that may be the best
BESIDE = 1000  # between the seed that chooses and the second one: proving takes those in between


def chosen_of(
    history: History,
    recipes: Sequence[Recipe],
    base: Recipe,
    *,
    left: float,
    least: float,
    sure: Collection[Recipe] = (),
) -> tuple[list[Step], Recipe | None, float]:
    """Return what is clearly better than a recipe, with the worse of two seeds.

    The best of several trainings is often a lucky one: networks whose units die with every second
    seed win races. Where the best fails so, the next one is trained to its end.

    Args:
        history: The trials so far; the race of the recipes is decided.
        recipes: That raced.
        base: The recipe that they are to be better than.
        left: Epochs that this may cost; where a second seed costs more, the first one decides.
        least: Share of the loss that must be gained.
        sure: Recipes that no luck makes good: where one of them takes half of the loss away, a
            second seed is saved.

    Returns:
        What is to be trained to tell; the choice, or None; and what that costs in epochs.
    """
    before, spent = worst_of(history, base), 0.0
    running = [one for one in recipes if _begun(trial_of(history, one)) >= HALF]
    running.sort(key=lambda one: rank(history, one, HALF))  # as the race had it
    for place, recipe in enumerate(running[:MOST]):
        trial, length = trial_of(history, recipe), recipe.epochs
        if trial is None or not _ahead(history.loss(trial), before, least):
            continue
        if place == 0 and recipe in sure and _ahead(history.loss(trial), before, MUCH):
            return [], recipe, 0.0
        spent += length if place == 0 else length + ceil((1 - HALF) * length)
        if spent > left:  # the proof has the last word anyway
            return [], recipe if place == 0 and _begun(trial) == 1.0 else None, 0.0
        again = trial_of(history, recipe, beside=BESIDE)
        if _begun(trial) < 1.0:
            return [Step(length, trial=trial.number)], None, spent
        if again is None:
            return [Step(length, recipe=recipe, seed=history.seed + BESIDE)], None, spent
        if again.state == "paused" and again.epochs < length:
            return [Step(length, trial=again.number)], None, spent
        if _ahead(worst_of(history, recipe), before, least):
            return [], recipe, spent
    return [], None, spent


def loss_of(history: History, recipe: Recipe) -> float:
    """Return a recipe's loss with the study's seed; infinite where there is none."""
    trial = trial_of(history, recipe)
    return inf if trial is None else history.loss(trial)


def worst_of(history: History, recipe: Recipe) -> float:
    """Return a recipe's loss with the worse of its seeds."""
    again = trial_of(history, recipe, beside=BESIDE)
    first = loss_of(history, recipe)
    return first if again is None else max(first, history.loss(again))


def _begun(trial: Trial | None) -> float:
    """Return how much of its training a trial has had; nothing of one that failed."""
    if trial is None or trial.state == "failed":
        return 0.0
    return 1.0 if trial.state == "finished" else trial.epochs / trial.recipe.epochs


def _ahead(now: float, before: float, least: float) -> bool:
    if now == inf or before == inf:
        return now < before
    return before - now >= least * abs(before)
