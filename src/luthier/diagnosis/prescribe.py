"""Settings to hand out: old and new value from the recipe at hand; without one, advice alone."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.catalog import optimizers
from luthier.core import Prescription, Run, Setup

Setting = float | int | str | None


def changed(run: Run, advice: str, settings: Mapping[str, Setting]) -> Prescription:
    """Advise new settings.

    >>> from luthier.core import Recipe
    >>> changed(Run(recipe=Recipe(epochs=5)), "Train longer.", {"epochs": 10}).settings
    'epochs: 5 → 10'
    >>> changed(Run(), "Train longer.", {"epochs": 10}).change
    {}
    """
    recipe = run.recipe
    if recipe is None:
        return Prescription(advice)
    new = {key: _short(value) for key, value in settings.items()}
    pairs = {key: (recipe.get(key), to) for key, to in new.items() if to != recipe.get(key)}
    return Prescription(advice, change=pairs)


def slower(run: Run, advice: str, *, by: float = 10.0) -> Prescription:
    """Advise a lower rate: by a factor, and at most the optimizer's usual one."""
    if run.recipe is None:
        return Prescription(advice, widen={"learning_rate": "low"})
    usual = optimizers.by_name(run.recipe.optimizer).default_learning_rate
    rate = run.recipe.learning_rate
    lower = min(rate / by, usual) if rate > usual else rate / by
    return changed(run, advice, {"learning_rate": lower})


def faster(run: Run, advice: str, *, by: float = 10.0) -> Prescription:
    """Advise a higher rate: by a factor, and at least the optimizer's usual one."""
    if run.recipe is None:
        return Prescription(advice, widen={"learning_rate": "high"})
    usual = optimizers.by_name(run.recipe.optimizer).default_learning_rate
    rate = run.recipe.learning_rate
    higher = max(rate * by, usual) if rate < usual else rate * by
    return changed(run, advice, {"learning_rate": higher})


def _short(value: Setting) -> Setting:
    """Return a number that a person would write."""
    return float(f"{value:.2g}") if isinstance(value, float) else value


def rate(setup: Setup, advice: str, value: float) -> Prescription:
    """Advise the rate of an optimizer at hand.

    >>> from luthier.core import OptimizerFacts
    >>> setup = Setup(optimizer=OptimizerFacts("SGD", "sgd", (30.0,)))
    >>> rate(setup, "Lower the rate.", 0.3).settings
    'learning_rate: 30 → 0.3'
    """
    given = setup.optimizer.learning_rates[0]
    to = float(f"{value:.2g}")
    return Prescription(advice, change={} if to == given else {"learning_rate": (given, to)})
