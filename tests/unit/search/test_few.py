"""A dozen trials: the rate first, then beta1, then what is near; other seeds at the end."""

import math
from dataclasses import replace

import numpy as np
import pytest

from luthier.core import Curves, Float, History, Recipe, Space, Trial
from luthier.search import by_name
from luthier.search.few import Few
from luthier.testing.strategies import StrategyLaws

FULL = 4
SPACE = Space(
    {
        "learning_rate": Float(1e-5, 1.0, log=True),
        "beta1": Float(0.8, 0.98),
        "weight_decay": Float(1e-4, 1.0, log=True),
    },
    Recipe(epochs=FULL, learning_rate=1e-3),
)


class TestLaws(StrategyLaws):
    @pytest.fixture
    def strategy(self):
        return Few()

    def test_another_seed_tries_other_recipes(self, strategy):
        """Nothing is drawn as long as only the rate is varied: it would be a waste of trials."""

    def test_every_recipe_lies_in_the_space(self, strategy):
        """What is not varied yet stays what the baseline has, in its range or not."""


def run(trials: int, loss, strategy=None, space=SPACE) -> History:
    strategy, history = strategy or Few(), History()
    while True:
        left = trials - len(history.trials)
        history = replace(history, trials_left=left, decisions=history.decisions + 1)
        steps = strategy(space, history, np.random.default_rng([0, history.decisions]))
        if not steps or not left:
            return history
        new = list(history.trials)
        for step in steps:
            value = loss(step.recipe, step.seed)
            state = "finished" if math.isfinite(value) else "failed"
            curves = Curves(metrics={"val_loss": (value,) * FULL})
            new.append(Trial(len(new), step.recipe, step.seed, state, curves=curves))
        history = replace(history, trials=tuple(new))


def bowl(at: float):
    def loss(recipe: Recipe, seed: int) -> float:
        distance = math.log10(recipe.learning_rate) - at
        return 1 + distance**2 + 0.3 * abs(recipe.beta1 - 0.95) + 0.001 * seed

    return loss


@pytest.mark.parametrize("at", [-4.0, -3.1, -2.4, -1.0])
def test_seven_trials_find_the_rate(at: float):
    history = run(7, bowl(at))
    assert abs(math.log10(history.best.recipe.learning_rate) - at) < 0.15
    changed = [set(SPACE.baseline.difference(trial.recipe)) for trial in history.trials]
    assert all(keys <= {"learning_rate"} for keys in changed)


def test_from_ten_on_beta1_follows_and_then_what_is_near():
    history = run(9, bowl(-2.5))
    kinds = [set(SPACE.baseline.difference(t.recipe)) for t in history.trials]
    assert kinds[0] == set()
    assert all(kind == {"learning_rate"} for kind in kinds[1:5])
    assert {t.recipe.beta1 for t in history.trials[5:7]} == {0.95, 0.8}
    assert history.best.recipe.beta1 == pytest.approx(0.95, abs=0.05)


def test_rates_that_diverge_send_it_down():
    def cliff(recipe: Recipe, seed: int) -> float:
        return math.nan if recipe.learning_rate > 3e-4 else bowl(-4.0)(recipe, seed)

    history = run(7, cliff)
    assert history.trials[0].state == "failed"
    assert abs(math.log10(history.best.recipe.learning_rate) + 4) < 0.3


def test_its_last_trials_are_the_winner_with_other_seeds():
    history = run(7, bowl(-2.5), by_name("few:2"))
    *searched, first, second = history.trials
    best = History(tuple(searched)).best
    assert (first.recipe, second.recipe) == (best.recipe, best.recipe)
    assert [first.seed, second.seed] == [1, 2]
    assert {trial.seed for trial in searched} == {0}


def test_a_name_for_the_rate_that_an_objective_gives_is_known():
    space = Space({"model.lr": Float(1e-5, 1.0, log=True)}, Recipe(epochs=4, model={"lr": 1e-3}))
    history = run(6, lambda r, s: (math.log10(r.model["lr"]) + 2) ** 2, space=space)
    assert history.best.recipe.model["lr"] == pytest.approx(1e-2, rel=0.5)
