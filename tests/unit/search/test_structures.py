"""Few new structures: as many as their share of the time pays for."""

from dataclasses import replace

import numpy as np
import pytest

from luthier.core import Categorical, Conditional, Curves, Float, History, Int, Recipe, Space, Trial
from luthier.search.halving import Halving
from luthier.search.structures import with_few_structures

RATES = {"adamw": Float(1e-4, 1e-2, log=True), "momentum": Float(1e-2, 1.0, log=True)}
SPACE = Space(
    {
        "model.width": Int(8, 512, log=True),
        "optimizer": Categorical("adamw", "momentum"),
        "learning_rate": Conditional("optimizer", RATES),
        "dropout": Float(0.0, 0.5),
    },
    Recipe(model={"width": 64}, dropout=0.0, epochs=20),
)
RECIPES = [SPACE.decode(point) for point in np.random.default_rng(0).random((40, 4)).tolist()]


def history(seconds: float, setup: float, *recipes: Recipe) -> History:
    trials = tuple(
        Trial(number, recipe, 0, state="paused", curves=Curves(val_loss=(1.0 + number,)))
        for number, recipe in enumerate(recipes)
    )
    return History(trials, seconds=seconds, setup=setup)


def structures(recipes: list[Recipe]) -> set[str]:
    return {recipe.structure for recipe in recipes}


def test_where_nothing_is_compiled_recipes_stay_as_they_are():
    assert with_few_structures(RECIPES, SPACE, history(0.0, 0.0)) == RECIPES


def test_at_first_all_have_the_structure_of_the_baseline():
    chosen = with_few_structures(RECIPES, SPACE, history(0.0, 2.0))
    assert structures(chosen) == {SPACE.baseline.structure}
    assert len({recipe.dropout for recipe in chosen}) > 30


@pytest.mark.parametrize(("seconds", "expected"), [(3.9, 1), (4.0, 2), (20.0, 6)])
def test_new_ones_take_half_of_the_time(seconds: float, expected: int):
    chosen = with_few_structures(RECIPES, SPACE, history(seconds, 2.0))
    assert len(structures([*chosen, SPACE.baseline])) == expected


def test_structures_that_were_tried_are_paid_for():
    seen = history(8.0, 2.0, *RECIPES[:10])
    chosen = with_few_structures(RECIPES[10:], SPACE, seen)
    assert structures(chosen) <= structures(RECIPES[:3])


def test_a_rate_stays_within_the_range_of_the_optimizer_that_it_is_for():
    chosen = with_few_structures(RECIPES[2:], SPACE, history(0.0, 2.0, *RECIPES[:2]))
    assert len({recipe.optimizer for recipe in RECIPES[:2]}) == 2
    for recipe in chosen:
        assert recipe.learning_rate in RATES[recipe.optimizer]


def test_nothing_is_tried_twice():
    chosen = with_few_structures([*RECIPES, *RECIPES], SPACE, history(0.0, 2.0))
    assert len({recipe.identity for recipe in chosen}) == len(chosen)


def test_halving_keeps_to_it():
    steps = Halving()(SPACE, history(0.0, 2.0), np.random.default_rng(0))
    assert len(steps) == 8
    assert structures([step.recipe for step in steps]) == {SPACE.baseline.structure}
    free = Halving()(SPACE, replace(history(0.0, 2.0), setup=0.0), np.random.default_rng(0))
    assert len(structures([step.recipe for step in free])) > 4


def test_numbers_that_a_program_reads_as_it_runs_stay_their_own():
    rate = Conditional("model.norm", {"none": Float(0.0, 0.5), "batch": Float(0.0, 0.2)})
    ranges = {
        "model.width": Int(8, 512, log=True),
        "model.norm": Categorical("none", "batch"),
        "model.slope": Float(0.0, 0.3),
        "model.dropout": rate,
    }
    space = Space(ranges, Recipe(model={"width": 64, "norm": "none", "slope": 0.1, "dropout": 0.1}))
    recipes = [space.decode(p) for p in np.random.default_rng(0).random((20, 4)).tolist()]
    seen = replace(history(0.0, 2.0), reads_rates=True)
    chosen = with_few_structures(recipes, space, seen)
    assert {(one.get("model.width"), one.get("model.norm")) for one in chosen} == {(64, "none")}
    for name in ("model.slope", "model.dropout"):
        assert len({recipe.get(name) for recipe in chosen}) == 20
    assert not with_few_structures(recipes, space, replace(seen, reads_rates=False))[1:]
