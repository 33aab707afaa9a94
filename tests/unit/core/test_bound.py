"""What other metrics have to reach decides before the metric does."""

import math

import pytest

from luthier.core import Bound, Curves, History, Recipe, Trial, pareto_front

AT_LEAST = Bound("accuracy", "maximize", 0.9)


def trial(number, loss, accuracy):
    curves = Curves(metrics={"val_loss": (9.0, loss), "accuracy": (0.1, accuracy)})
    return Trial(number, Recipe(), 0, "finished", curves=curves)


@pytest.mark.parametrize(
    ("bound", "value", "excess"),
    [
        (AT_LEAST, 0.95, 0.0),
        (AT_LEAST, 0.9, 0.0),
        (AT_LEAST, 0.65, 0.25),
        (AT_LEAST, math.nan, math.inf),
        (Bound("rmse", "minimize", 2.0), 1.0, 0.0),
        (Bound("rmse", "minimize", 2.0), 5.0, 3.0),
    ],
)
def test_a_bound_tells_by_how_much_it_is_broken(bound, value, excess):
    assert bound.excess(value) == pytest.approx(excess)


class TestBest:
    def test_keeps_the_bounds_before_it_is_good(self):
        trials = (trial(0, 0.1, 0.8), trial(1, 0.5, 0.95), trial(2, 0.4, 0.92))
        assert History(trials).best.number == 0
        assert History(trials, bounds=(AT_LEAST,)).best.number == 2

    def test_is_the_nearest_where_none_keeps_them(self):
        trials = (trial(0, 0.1, 0.5), trial(1, 0.5, 0.85))
        assert History(trials, bounds=(AT_LEAST,)).best.number == 1

    def test_what_was_not_measured_is_last(self):
        unmeasured = Trial(0, Recipe(), 0, "finished", Curves(metrics={"val_loss": (0.1,)}))
        trials = (unmeasured, trial(1, 0.5, 0.1))
        assert History(trials, bounds=(AT_LEAST,)).best.number == 1

    def test_finalists_keep_them_on_all_splits(self):
        def again(number, recipe, loss, accuracy):
            curves = Curves(metrics={"val_loss": (loss,), "accuracy": (accuracy,)})
            return Trial(number, recipe, number, "finished", curves=curves, purpose="repeat")

        good, lucky = Recipe(dropout=0.1), Recipe(dropout=0.2)
        first = [
            Trial(i, recipe, 0, "finished", curves=trial(0, loss, 0.95).curves)
            for i, (recipe, loss) in enumerate(((good, 0.5), (lucky, 0.1)))
        ]
        trials = (*first, again(2, good, 0.5, 0.95), again(3, lucky, 0.1, 0.6))
        assert History(trials).best.number == 1
        assert History(trials, bounds=(AT_LEAST,)).best.number == 0


def test_a_front_is_of_trials_that_keep_them():
    trials = (trial(0, 0.1, 0.8), trial(1, 0.5, 0.95))
    front = pareto_front(History(trials, bounds=(AT_LEAST,)), ())
    assert [one.trial.number for one in front] == [1]
