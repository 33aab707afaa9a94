"""Small data: finalists are trained on further splits, which a seed draws."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from luthier.core import Curves, History, Recipe, Trial
from luthier.data import SplitPlan, from_python, read
from luthier.loop.preparation import Preparation
from luthier.loop.proving.repeating import (
    FIRST_SEED,
    MOST,
    Repeating,
    affordable_splits,
    splits_again,
)
from luthier.loop.working.budget import Budget

FULL = 10


def trial(number: int, loss: float, seed: int = 0, purpose: str = "search", key: int = 0) -> Trial:
    curves = Curves(train_loss=(loss,) * FULL, metrics={"val_loss": (loss,) * FULL})
    recipe = Recipe(learning_rate=0.1 * (key or number + 1), epochs=FULL)
    return Trial(number, recipe, seed, "finished", curves=curves, purpose=purpose)


SEARCHED = (trial(0, 0.9), trial(1, 0.5), trial(2, 0.6), trial(3, 0.7))


def repeated(*losses: tuple[int, float, float]) -> tuple[Trial, ...]:
    found = []
    for of, *scores in losses:
        for split, loss in enumerate(scores):
            number = 10 + len(found)
            found.append(trial(number, loss, FIRST_SEED + split, "repeat", key=of + 1))
    return tuple(found)


def test_finalists_are_the_baseline_and_the_two_best_others():
    steps = Repeating(2)(None, History(SEARCHED), None)
    rates = [round(step.recipe.learning_rate, 1) for step in steps]
    assert rates == [0.1, 0.2, 0.3] * 2
    assert {step.seed for step in steps} == {FIRST_SEED, FIRST_SEED + 1}
    assert {step.purpose for step in steps} == {"repeat"}
    assert Repeating(2).missing(History(SEARCHED)) == (6, 6 * FULL)


def test_the_best_mean_over_further_splits_wins():
    history = History(SEARCHED + repeated((0, 0.9, 0.8), (1, 0.8, 0.9), (2, 0.6, 0.7)))
    assert history.best.number == 2  # trial 1 was the luckiest of the first split
    assert history.searched.best.number == 1
    assert Repeating(2).missing(history) == (0, 0)


def test_the_baseline_can_win_the_choice():
    history = History(SEARCHED + repeated((0, 0.5, 0.5), (1, 0.8, 0.9), (2, 0.6, 0.7)))
    assert history.best.number == 0


def test_until_all_finalists_have_a_split_the_first_one_chooses():
    some = repeated((0, 0.5, 0.5), (1, 0.8, 0.9))
    waiting = replace(trial(20, 0.1, FIRST_SEED, "repeat", key=3), state="waiting", until=FULL)
    assert History((*SEARCHED, *some, waiting)).best.number == 1


def test_what_confirms_and_what_repeats_are_kept_apart():
    fresh = trial(30, 0.1, seed=1, purpose="confirm")
    history = History((*SEARCHED, *repeated((0, 0.5, 0.5)), fresh))
    assert history.confirming == (fresh,)
    assert history.searched.trials == SEARCHED


def test_a_budget_pays_for_two_further_splits_or_for_none():
    history = History(SEARCHED)
    spent = len(SEARCHED) * FULL
    assert affordable_splits(Budget(epochs=spent + 9 * FULL), 4, history) == 3
    assert affordable_splits(Budget(epochs=spent + 5 * FULL), 4, history) == 0
    slow = replace(history, seconds=float(spent))
    assert affordable_splits(Budget(seconds=spent + 6.0 * FULL), 4, slow) == 2


def test_a_budget_in_time_plans_the_most():
    parts = SimpleNamespace(preparation=Preparation(read("iris"), SplitPlan()))
    parts.arrays = parts.preparation.arrays(Recipe())
    assert splits_again(Budget(seconds=60), FULL, parts) == MOST
    assert splits_again(Budget(trials=1), FULL, parts) == 0


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_a_further_split_keeps_test_rows_and_sizes_and_draws_the_rest_again(name: str):
    first = Preparation(read(name), SplitPlan())
    again = first.again(FIRST_SEED)
    now, then = first.splits, again.splits
    np.testing.assert_array_equal(now.test, then.test)
    assert abs(len(now.val) - len(then.val)) <= 3
    assert set(now.val) != set(then.val)
    assert not set(then.train) & (set(then.val) | set(then.test))
    assert again.splits.key == first.again(FIRST_SEED).splits.key
    assert again.splits.key != first.again(FIRST_SEED + 1).splits.key


def test_classes_keep_their_shares_on_further_splits():
    rng = np.random.default_rng(0)
    y = np.array([0] * 180 + [1] * 20)
    first = Preparation(from_python((rng.normal(size=(200, 2)), y)), SplitPlan())
    target = first.dataset.raw["target"]
    assert (target[first.again(7).splits.val] == 1).sum() == 4
