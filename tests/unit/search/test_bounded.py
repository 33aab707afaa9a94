"""Strategies that know no bounds look where they hold."""

import numpy as np
import pytest

from luthier.core import Bound, Curves, Float, History, Recipe, Space, Trial
from luthier.search import by_name, for_goals
from luthier.search.bounded import penalised
from luthier.search.rounds import Rounds

SPACE = Space({"dropout": Float(0.0, 0.9)}, Recipe(epochs=16, dropout=0.1))
BOUND = Bound("accuracy", "maximize", 0.8)


def trained(number, recipe, epochs):
    """Return a trial that is the better, and the less accurate, the more it drops."""
    values = [1.0 - recipe.dropout + 1 / (e + 1) for e in range(epochs)]
    accuracy = [1.0 - recipe.dropout] * epochs
    state = "finished" if epochs >= 16 else "paused"
    curves = Curves(metrics={"val_loss": tuple(values), "accuracy": tuple(accuracy)})
    return Trial(number, recipe, 0, state, curves=curves)


def search(strategy, bounds, budget=400):
    history = History(bounds=bounds)
    for decision in range(200):
        left = budget - history.epochs
        history = History(
            history.trials, decisions=decision, epochs_left=float(left), bounds=bounds
        )
        if left <= 0:
            break
        trials = list(history.trials)
        for step in strategy(SPACE, history, np.random.default_rng([0, decision])):
            number = len(trials) if step.trial is None else step.trial
            recipe = step.recipe or trials[number].recipe
            trials[number : number + 1] = [trained(number, recipe, step.until)]
        history = History(tuple(trials), bounds=bounds)
    return history


@pytest.mark.parametrize("name", ["freeze_thaw", "halving", "tpe"])
def test_a_search_comes_close_to_a_bound_from_the_good_side(name):
    free = search(for_goals(name, ()), ()).best
    held = search(for_goals(name, (), (BOUND,)), (BOUND,)).best
    assert free.recipe.dropout > 0.8
    assert 0.15 < held.recipe.dropout <= 0.2


def test_what_breaks_a_bound_is_worse_than_the_median_and_the_worse_the_further():
    trials = tuple(trained(i, Recipe(dropout=d), 4) for i, d in enumerate((0.1, 0.15, 0.3, 0.8)))
    seen = penalised(History(trials, bounds=(BOUND,)))
    losses = [seen.loss(one) for one in seen.trials]
    assert losses[1] < losses[0] < losses[2] < losses[3]


def test_higher_scores_are_lowered():
    curves = Curves(metrics={"f1": (0.9,), "accuracy": (0.5,)})
    history = History((Trial(0, Recipe(), 0, curves=curves),), "f1", "maximize", bounds=(BOUND,))
    assert penalised(history).score(penalised(history).trials[0]) < 0.9


def test_without_bounds_nothing_changes():
    history = History((trained(0, Recipe(dropout=0.1), 4),))
    assert penalised(history) is history
    assert for_goals("halving", ()) == Rounds(by_name("halving"))
