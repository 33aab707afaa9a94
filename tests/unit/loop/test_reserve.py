"""What is kept back for confirming is a quarter at most, and is there after a break."""

import pytest

from luthier.core import Curves, History, Recipe, Trial
from luthier.loop.budget import Budget
from luthier.loop.confirming import Confirming
from luthier.loop.reserve import stages

FULL = 10


@pytest.mark.parametrize(
    ("trainings", "looks"),
    [(10, ()), (23, ()), (24, (3,)), (40, (3, 5)), (80, (3, 5, 10)), (1000, (3, 5, 10))],
)
def test_looks_cost_a_quarter_of_the_budget_at_most(trainings: int, looks: tuple[int, ...]):
    assert stages(Budget(epochs=trainings * FULL), FULL) == looks
    assert stages(Budget(trials=trainings), FULL) == looks
    if looks:
        assert 2 * looks[-1] <= trainings / 4


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
    steps = Confirming(2)(None, history, None)
    assert [(s.recipe.learning_rate, s.seed) for s in steps] == [(0.2, 1), (0.1, 2), (0.2, 2)]
    assert {s.purpose for s in steps} == {"confirm"}
    assert Confirming(2).missing(history) == (3, 3 * FULL)


def test_a_baseline_that_nothing_beats_needs_no_confirmation():
    assert Confirming(3)(None, History((trial(0, 0.1), trial(1, 0.5))), None) == []
