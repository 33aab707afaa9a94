"""What is kept back for confirming is a quarter at most, and is there after a break."""

from dataclasses import replace

import pytest

from luthier.core import Curves, History, Recipe, Trial
from luthier.loop.proving.confirming import Confirming
from luthier.loop.proving.reserve import cost, least, stages
from luthier.loop.working.budget import Budget

FULL = 10


@pytest.mark.parametrize(
    ("trainings", "looks"),
    [
        (11, ()),
        (12, (2,)),
        (23, (2,)),
        (24, (3,)),
        (40, (3, 5)),
        (80, (3, 5, 10)),
        (1000, (3, 5, 10)),
    ],
)
def test_looks_cost_a_quarter_of_the_budget_at_most(trainings: int, looks: tuple[int, ...]):
    assert stages(Budget(epochs=trainings * FULL), FULL) == looks
    assert stages(Budget(trials=trainings), FULL) == looks
    assert (trainings >= least()) == bool(looks)
    assert all(cost(seeds) <= trainings / 4 for seeds in looks)


def test_a_budget_in_time_may_hold_every_look():
    assert stages(Budget(seconds=60), FULL) == (3, 5, 10)


def trial(number: int, loss: float, seed: int = 0, purpose: str = "search", epochs: int = FULL):
    curves = Curves(train_loss=(loss,) * epochs, metrics={"val_loss": (loss,) * epochs})
    recipe = Recipe(learning_rate=0.1 if number % 2 else 0.2, epochs=FULL)
    return Trial(number, recipe, seed, "finished", curves=curves, purpose=purpose)


def test_a_lucky_fresh_seed_does_not_become_the_winner():
    history = History((trial(0, 1.0), trial(1, 0.5), trial(2, 0.1, seed=1, purpose="confirm")))
    assert history.best.number == 1
    assert [t.number for t in history.searched.trials] == [0, 1]


def test_only_what_is_missing_is_trained():
    history = History((trial(0, 1.0), trial(1, 0.5), trial(3, 0.5, seed=1, purpose="confirm")))
    steps = Confirming(3)(None, history, None)
    assert [(s.recipe.learning_rate, s.seed) for s in steps] == [
        (0.2, 1),
        (0.1, 2),
        (0.2, 2),
        (0.1, 3),
        (0.2, 3),
    ]
    assert {s.purpose for s in steps} == {"confirm"}
    assert Confirming(3).missing(history) == (5, 5 * FULL)


def test_at_two_seeds_the_baselines_first_training_is_one_of_them():
    first = replace(trial(0, 1.0), stored=True)
    history = History((first, trial(1, 0.5)))
    assert Confirming(2).missing(history) == (cost(2), cost(2) * FULL)
    assert [one.seed for one in Confirming(2).wanted(history)] == [1, 1, 2, 0]
    evicted = History((trial(0, 1.0), trial(1, 0.5)))
    assert Confirming(2).missing(evicted) == (4, 4 * FULL)


def test_a_baseline_that_was_cut_short_is_trained_to_its_end():
    winner = replace(trial(1, 0.5, epochs=4), state="paused")
    history = History((replace(trial(0, 1.0, epochs=4), state="paused"), winner))
    assert [one.until for one in Confirming(3).wanted(history)] == [4, FULL] * 3


def test_what_early_stopping_ended_is_complete():
    fresh = trial(3, 0.5, seed=1, purpose="confirm", epochs=4)
    history = History((trial(0, 1.0), trial(1, 0.5), fresh))
    assert Confirming(3).missing(history)[0] == 5


def test_a_baseline_that_nothing_beats_needs_no_confirmation():
    assert Confirming(3)(None, History((trial(0, 0.1), trial(1, 0.5))), None) == []
