"""Importance finds what decides, and nothing in noise."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from luthier.core import (
    Categorical,
    Curves,
    Float,
    History,
    Int,
    Recipe,
    Space,
    StudyRecord,
    Trial,
)
from luthier.report.axis import axes
from luthier.report.importance import common_epochs, importance_text, importances, isolation
from luthier.report.importance.ped_anova import density, divergence

SPACE = Space(
    {
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "dropout": Float(0.0, 0.5),
        "model.depth": Int(1, 4),
        "model.activation": Categorical("relu", "tanh", "gelu"),
    },
    Recipe(epochs=4, model={"depth": 2, "activation": "relu"}),
)


def trial(number: int, epochs: int) -> Trial:
    losses = tuple(1.0 for _ in range(epochs))
    return Trial(number, Recipe(), 0, curves=Curves(metrics={"rmse": losses}, val_loss=losses))


def study(loss, count: int = 80, seed: int = 0, strategy: str = "random"):
    draw = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        recipe = SPACE.decode(draw.random(4))
        curves = Curves(metrics={"val_loss": (loss(recipe, draw),) * 4})
        trials.append(Trial(number, recipe, 0, "finished", curves=curves))
    record = StudyRecord("s", "val_loss", "minimize", SPACE, about={"strategy": strategy})
    return record, History(tuple(trials))


def test_the_parameter_that_decides_takes_nearly_all():
    def loss(recipe, draw):
        return abs(math.log10(recipe.learning_rate) + 2) + 0.05 * draw.random()

    found = importances(*study(loss))
    assert next(iter(found.shares)) == "learning_rate"
    assert found.shares["learning_rate"] > 0.8
    assert sum(found.shares.values()) == pytest.approx(1)


def test_so_does_a_choice_and_a_whole_number():
    def choice(recipe, draw):
        return (recipe.model["activation"] != "tanh") + 0.1 * draw.random()

    def depth(recipe, draw):
        return recipe.model["depth"] + 0.1 * draw.random()

    assert importances(*study(choice)).shares["model.activation"] > 0.8
    assert importances(*study(depth)).shares["model.depth"] > 0.8


def test_of_noise_no_parameter_takes_the_most_again_and_again():
    firsts = [
        next(iter(importances(*study(lambda r, d: d.random(), seed=s)).shares)) for s in range(12)
    ]
    assert len(set(firsts)) > 1


def test_what_is_pure_chance_is_taken_off():
    """Unlike a share of variance, the raw divergence of few trials is never 0."""
    draw = random.Random(0)
    places = [draw.randrange(50) for _ in range(60)]
    raw = divergence(places[:6], places, 50, ordered=True)
    assert raw > 0


def test_few_trials_say_nothing_but_what_was_best():
    found = importances(*study(lambda r, d: r.dropout, count=15))
    assert found.shares == {}
    assert found.isolated["dropout"]


def test_equal_trials_say_nothing():
    assert importances(*study(lambda r, d: 1.0)).shares == {}


def test_failed_trials_count_as_those_that_lost():
    record, history = study(lambda r, d: r.dropout)
    failed = tuple(
        replace(t, state="failed", curves=Curves()) if t.recipe.dropout > 0.4 else t
        for t in history.trials
    )
    found = importances(record, History(failed))
    assert found.trials == 80
    assert next(iter(found.shares)) == "dropout"


@pytest.mark.parametrize(("strategy", "biased"), [("sobol", False), ("freeze_thaw", True)])
def test_adaptive_searches_are_marked_as_biased(strategy: str, biased: bool):
    found = importances(*study(lambda r, d: r.dropout, strategy=strategy))
    assert found.biased is biased
    assert ("biased" in importance_text(found)) is biased
    assert found.to_json()["biased"] is biased


def test_isolation_is_the_best_trial_of_each_value_and_part():
    _, history = study(lambda r, d: r.dropout + (r.model["activation"] == "gelu"))
    by_name = {axis.name: isolation(SPACE, history, axis) for axis in axes(SPACE, history.trials)}
    assert [one.value for one in by_name["model.activation"]] == ["relu", "tanh", "gelu"]
    for one in by_name["model.activation"]:
        mine = [t for t in history.trials if t.recipe.model["activation"] == one.value]
        assert one.trials == len(mine)
        assert one.score == min(history.score(t) for t in mine)
    parts = by_name["dropout"]
    assert [one.place for one in parts] == sorted(one.place for one in parts)
    assert sum(one.trials for one in parts) == 80
    assert min(one.score for one in parts) == history.score(history.best)


def test_a_density_is_one():
    for ordered in (True, False):
        assert density([0, 3, 3, 9], 10, ordered=ordered).sum() == pytest.approx(1)


def test_the_divergence_is_optunas():
    optuna = pytest.importorskip("optuna", minversion="5")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    draw = np.random.default_rng(0)
    made = optuna.create_study()
    kinds = {
        "x": optuna.distributions.FloatDistribution(0, 1),
        "n": optuna.distributions.IntDistribution(1, 6),
        "c": optuna.distributions.CategoricalDistribution(["a", "b", "c"]),
    }
    for _ in range(60):
        params = {"x": draw.random(), "n": int(draw.integers(1, 7)), "c": "abc"[draw.integers(3)]}
        value = (params["x"] - 0.3) ** 2 + 0.1 * params["n"] + 0.3 * (params["c"] == "a")
        made.add_trial(
            optuna.trial.create_trial(params=params, distributions=kinds, value=float(value))
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    theirs = evaluator.evaluate(made)
    trials = sorted(made.trials, key=lambda t: t.value)
    cells = {
        "x": (lambda t: int(np.ceil(t.params["x"] * 49 - 0.5)), 50, True),
        "n": (lambda t: t.params["n"] - 1, 6, True),
        "c": (lambda t: "abc".index(t.params["c"]), 3, False),
    }
    for name, (cell, count, ordered) in cells.items():
        best, everything = [cell(t) for t in trials[:6]], [cell(t) for t in trials]
        # Equation 10 has the square of the share that counts as best, the same for all of them.
        ours = 0.1**2 * divergence(best, everything, count, ordered=ordered)
        assert ours == pytest.approx(theirs[name], rel=1e-6)


def test_trials_are_compared_where_four_in_five_of_them_arrived():
    history = History((*(trial(i, 6) for i in range(8)), trial(8, 1), trial(9, 1)), "rmse")
    assert common_epochs(history) == 6
    assert common_epochs(History()) == 0
