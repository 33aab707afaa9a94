"""A trial is on the front where no other one is as good in every goal and better in one."""

import pytest

from luthier.core import Curves, Goal, History, Recipe, Trial, pareto_front, value_of

SIZE = Goal("parameters")


def trial(number: int, loss: float | None, size: float | None, **others) -> Trial:
    metrics = {} if loss is None else {"val_loss": (loss + 1, loss)}
    signals = {} if size is None else {"parameters": (size, size)}
    curves = Curves(metrics=metrics, signals=signals, seconds=(1.0, 2.0))
    return Trial(number, Recipe(epochs=10), 0, others.pop("state", "finished"), curves=curves)


def front(*trials: Trial, goals=(SIZE,)) -> list[int]:
    return [one.trial.number for one in pareto_front(History(trials), goals)]


def test_the_best_by_the_metric_comes_first_and_the_smallest_last():
    assert front(trial(0, 0.3, 10), trial(1, 0.1, 100), trial(2, 0.2, 50)) == [1, 2, 0]


def test_what_another_beats_in_all_is_not_on_it():
    assert front(trial(0, 0.3, 100), trial(1, 0.2, 50)) == [1]


def test_of_equals_the_first_stands_for_all():
    assert front(trial(0, 0.3, 10), trial(1, 0.3, 10)) == [0]


def test_as_good_and_dearer_is_beaten():
    assert front(trial(0, 0.3, 20), trial(1, 0.3, 10)) == [1]


@pytest.mark.parametrize(
    "other",
    [trial(1, None, 1), trial(1, 0.01, None), trial(1, 0.01, 1, state="failed")],
    ids=["no score", "not measured", "failed"],
)
def test_who_lacks_a_value_is_not_on_it(other: Trial):
    assert front(trial(0, 0.3, 10), other) == [0]


def test_a_goal_may_be_maximised():
    goals = (Goal("parameters", "maximize"),)
    assert front(trial(0, 0.3, 10), trial(1, 0.1, 5), trial(2, 0.4, 7), goals=goals) == [1, 0]


def test_repeating_the_metric_changes_nothing():
    assert front(trial(0, 0.3, 10), trial(1, 0.1, 20), goals=(Goal("val_loss"), SIZE)) == [1, 0]


def test_values_are_those_of_the_epoch_whose_weights_are_kept():
    curves = Curves(metrics={"val_loss": (0.5, 0.2, 0.9), "f1": (0.1, 0.7, 0.8)})
    one = Trial(0, Recipe(), 0, "finished", curves=curves)
    (found,) = pareto_front(History((one,)), (Goal("f1", "maximize"),))
    assert found.values == {"val_loss": 0.2, "f1": 0.7}


def test_the_time_of_a_training_is_that_of_a_full_one():
    assert value_of(trial(0, 0.3, 1), "training_seconds") == 15.0
