"""Importance finds what decides, and nothing in noise."""

import random

from luthier.core import Curves, History, Recipe, Trial
from luthier.report.importance import common_epochs, explained


def trial(number: int, epochs: int) -> Trial:
    losses = tuple(1.0 for _ in range(epochs))
    return Trial(number, Recipe(), 0, curves=Curves(metrics={"rmse": losses}, val_loss=losses))


def test_groups_that_decide_the_rank_explain_nearly_all_of_it():
    losses = [group + 0.01 * index for index, group in enumerate([0, 1, 2] * 20)]
    assert explained([0, 1, 2] * 20, losses) > 0.85


def test_noise_explains_next_to_nothing():
    draw = random.Random(0)
    shares = [
        explained([draw.randrange(6) for _ in range(60)], [draw.random() for _ in range(60)])
        for _ in range(200)
    ]
    assert sum(shares) / len(shares) < 0.04


def test_one_diverged_trial_counts_as_one():
    groups = ["a", "b"] * 20
    losses = [index % 2 + index / 100 for index in range(40)]
    calm = explained(groups, losses)
    assert abs(explained(groups, [*losses[:-1], float("inf")]) - calm) < 0.05


def test_too_few_trials_for_their_groups_say_nothing():
    assert explained([1, 2, 3, 4], [1.0, 2.0, 3.0, 4.0]) is None
    assert explained(["a"] * 9, list(range(9))) is None
    assert explained(["a", "b"] * 5, [1.0] * 10) is None


def test_trials_are_compared_where_four_in_five_of_them_arrived():
    history = History((*(trial(i, 6) for i in range(8)), trial(8, 1), trial(9, 1)), "rmse")
    assert common_epochs(history) == 6
    assert common_epochs(History()) == 0
