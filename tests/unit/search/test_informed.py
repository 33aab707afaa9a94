"""Diagnoses move ranges: only with several witnesses, and never over the best trial."""

from luthier.core import Categorical, Conditional, Curves, Float, History, Recipe, Space, Trial
from luthier.search.informed import informed

HIGH = frozenset({"learning_rate_too_high"})
RATES = Float(1e-4, 1.0, log=True)


def history(*rates: float, losses: tuple[float, ...], **keys) -> History:
    trials = []
    for number, (rate, loss) in enumerate(zip(rates, losses, strict=True)):
        curves = Curves(metrics={"val_loss": (loss,)})
        recipe = Recipe(learning_rate=rate, **keys)
        trials.append(Trial(number, recipe, 0, curves=curves))
    return History(tuple(trials))


def test_one_witness_closes_nothing():
    seen = history(0.001, 0.3, losses=(0.5, 3.0))
    assert informed(Space({"learning_rate": RATES}, Recipe()), seen, {1: HIGH})[1] == []


def test_rates_are_closed_above_the_best_alone():
    seen = history(0.01, 0.003, 0.3, losses=(0.5, 3.0, 4.0))
    space, moved = informed(Space({"learning_rate": RATES}, Recipe()), seen, {1: HIGH, 2: HIGH})
    assert space.parameters["learning_rate"].high == 0.3
    assert [one.name for one in moved] == ["learning_rate"]


def test_rates_of_another_optimizer_stay_open():
    cases = Conditional("optimizer", {"adamw": RATES, "sgd": RATES})
    ranges = {"optimizer": Categorical("adamw", "sgd"), "learning_rate": cases}
    seen = history(0.001, 0.1, 0.2, losses=(0.5, 3.0, 4.0), optimizer="sgd")
    space, _ = informed(Space(ranges, Recipe()), seen, {1: HIGH, 2: HIGH})
    now = space.parameters["learning_rate"].cases
    assert (now["sgd"].high, now["adamw"].high) == (0.1, 1.0)


def test_where_the_best_learn_by_heart_regularisers_get_stronger():
    seen = history(0.001, 0.002, 0.003, losses=(0.5, 0.6, 0.7))
    ranges = {"dropout": Float(0.0, 0.5), "weight_decay": Float(1e-4, 1.0, log=True)}
    by_heart = frozenset({"overfitting"})
    space, _ = informed(Space(ranges, Recipe()), seen, {0: by_heart, 2: by_heart})
    assert space.parameters["dropout"].low == 0.25
    assert space.parameters["weight_decay"].low == 0.01
    assert informed(Space(ranges, Recipe()), seen, {0: by_heart})[1] == []
