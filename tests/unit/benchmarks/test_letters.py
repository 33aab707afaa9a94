"""What both sides may vary, and from when on one's networks are as good as the other's last."""

import numpy as np
import pytest
import torch
from benchmarks.letters.courses import MEASURES, Course, Found, incumbents, told, when
from benchmarks.letters.problem import build, note
from benchmarks.letters.spaces import SPACES

from luthier.catalog.recipe_keys import check_recipe
from luthier.core import Recipe, Space


def course(*found, side="luthier"):
    return Course(side, 0, 100.0, [Found(t, 2 - a, accuracy=a, loss=1 - a) for t, a in found])


OURS = course((1.0, 0.9), (5.0, 0.95), (9.0, 0.94), (12.0, 0.96))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("level", "then"), [(0.8, 1.0), (0.94, 5.0), (0.95, 12.0), (0.97, None)])
def test_a_level_counts_from_when_on_it_is_never_left_again(measure, level, then):
    assert when(OURS, course((50.0, level), side="optuna"), measure) == then


def test_a_seed_that_never_gets_there_is_censored_and_so_is_a_median_of_such():
    pairs = [(OURS, course((50.0, level), side="optuna")) for level in (0.8, 0.97, 0.97)]
    assert "accuracy: median share of Optuna's time more than 1 (censored); 2 of 3" in told(pairs)
    assert "accuracy: median share of Optuna's time 0.010; 0 of 1" in told(pairs[:1])


def test_a_course_is_read_as_it_was_written():
    assert Course.read(OURS.line) == OURS


def test_what_is_noted_becomes_a_course_of_new_best_networks(tmp_path):
    classes = np.array([0, 1])
    for val, right in ((0.5, 4.0), (0.7, 9.0), (0.4, 0.0)):
        logits = np.array([[right, 0.0], [0.0, right]])
        note(tmp_path / "log", 0.0, val, logits, classes)
    found = incumbents(tmp_path / "log")
    assert [one.val for one in found] == [0.5, 0.4]
    assert found[1].loss == pytest.approx(np.log(2))
    assert found[0].accuracy == 1.0


@pytest.mark.parametrize("name", SPACES)
def test_what_may_vary_makes_recipes_and_networks(name):
    space = Space(SPACES[name], Recipe(network="problem:build", epochs=48))
    for point in np.random.default_rng(0).random((20, space.dimensions)).tolist():
        recipe = space.decode(point)
        check_recipe(recipe)
        assert build(16, 26, **recipe.model)(torch.zeros(3, 16)).shape == (3, 26)
