"""Several goals are searched by strategies that know one."""

import math

import numpy as np
import pytest

from luthier.core import Curves, Float, Goal, History, Recipe, Space, Trial, pareto_front
from luthier.search import by_name, for_goals
from luthier.search.rounds import Rounds
from luthier.search.scalarised import Scalarised
from luthier.testing.strategies import StrategyLaws

SIZE = Goal("parameters")
SPACE = Space({"dropout": Float(0.0, 1.0), "l2": Float(0.0, 1.0)}, Recipe(epochs=8))


def searched(strategy, budget: int = 40 * 8, seed: int = 0) -> History:
    """Search where a loss wants a high dropout, the size a low one, and both l2 at 0.3."""
    history = History(seed=seed)
    for decision in range(10_000):
        left = budget - history.epochs
        if left <= 0:
            break
        history = History(history.trials, decisions=decision, seed=seed, epochs_left=left)
        trials = list(history.trials)
        for step in strategy(SPACE, history, np.random.default_rng([seed, decision])):
            number = len(trials) if step.trial is None else step.trial
            recipe = step.recipe if step.trial is None else trials[number].recipe
            d, w = recipe.dropout or 0.0, (recipe.l2 - 0.3) ** 2
            losses = tuple((1 - d) ** 2 + w + 0.5 / e for e in range(1, step.until + 1))
            sizes = (100 * (0.01 + d**2 + w),) * step.until
            curves = Curves(metrics={"val_loss": losses}, signals={"parameters": sizes})
            state = "finished" if step.until == 8 else "paused"
            one = Trial(number, recipe, 0, state, curves=curves)
            trials[number : number + 1] = [one]
        history = History(tuple(trials), seed=seed)
    return history


def hypervolume(history: History) -> float:
    """Return the area that the front of finished trials dominates, below (2, 200)."""
    ended = History(tuple(t for t in history.trials if t.state == "finished"))
    points = [tuple(one.values.values()) for one in pareto_front(ended, (SIZE,))]
    area, right = 0.0, 200.0
    for loss, size in points:  # the best loss first, so sizes fall
        area += (right - size) * (2 - loss)
        right = size
    return area / 400


class TestLaws(StrategyLaws):
    @pytest.fixture
    def strategy(self):
        return Scalarised(by_name("freeze_thaw"), (SIZE,))


def test_the_front_is_found_better_than_by_the_metric_alone():
    alone = [hypervolume(searched(by_name("freeze_thaw"), seed=s)) for s in range(2)]
    both = [hypervolume(searched(for_goals("freeze_thaw", (SIZE,)), seed=s)) for s in range(2)]
    assert min(both) > max(alone)


def test_the_best_by_the_metric_is_found_all_the_same():
    found = searched(for_goals("freeze_thaw", (SIZE,)))
    assert found.best is not None
    assert found.best.recipe.dropout > 0.9


def test_a_trial_without_the_value_counts_as_the_worst():
    known = Curves(metrics={"val_loss": (1.0,)}, signals={"parameters": (5.0,)})
    trials = (
        Trial(0, Recipe(epochs=8), 0, "paused", curves=known),
        Trial(1, Recipe(epochs=8), 0, "paused", curves=Curves(metrics={"val_loss": (0.5,)})),
    )
    weighed = Scalarised(by_name("sobol"), (SIZE,))._weighed(
        History(trials), (Goal("val_loss"), SIZE), (0.5, 0.5)
    )
    assert weighed.loss(weighed.trials[1]) == math.inf
    assert weighed.loss(weighed.trials[0]) < math.inf


def test_one_goal_leaves_the_strategy_as_it_is():
    assert for_goals("sobol", ()) == Rounds(by_name("sobol"))
