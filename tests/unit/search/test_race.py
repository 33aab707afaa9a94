"""A race trains what still runs, and nothing that has fallen behind."""

from luthier.core import Curves, History, Recipe, Trial
from luthier.search.race import cost, race

RECIPES = [Recipe(epochs=8, l2=float(number)) for number in range(5)]


def after(*losses: tuple[float, ...], state: str = "paused") -> History:
    trials = tuple(
        Trial(i, recipe, 0, state, curves=Curves(metrics={"val_loss": values}))
        for i, (recipe, values) in enumerate(zip(RECIPES, losses, strict=False))
    )
    return History(trials)


def test_all_begin():
    assert [(s.recipe, s.until) for s in race(History(), RECIPES)] == [(r, 2) for r in RECIPES]


def test_the_best_three_go_on():
    history = after(*[(9.0, loss) for loss in (3.0, 1.0, 5.0, 2.0, 4.0)])
    assert [(s.trial, s.until) for s in race(history, RECIPES)] == [(1, 4), (3, 4), (0, 4)]


def test_one_is_trained_to_its_end():
    losses = [
        (9.0, 3.0, 3.0, 3.0),
        (9.0, 1.0, 1.0, 1.0),
        (9.0, 5.0),
        (9.0, 2.0, 0.5, 0.5),
        (9.0, 4.0),
    ]
    assert [(s.trial, s.until) for s in race(after(*losses), RECIPES)] == [(3, 8)]


def test_what_fails_is_out_and_calls_for_nothing():
    assert race(after(*[(9.0,)] * 5, state="failed"), RECIPES) == []


def test_it_costs_what_it_trains():
    assert cost(RECIPES) == 5 * 2 + 3 * 2 + 4
