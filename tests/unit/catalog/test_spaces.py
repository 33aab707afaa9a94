from itertools import pairwise
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.catalog.families import ALL
from luthier.catalog.recipe_keys import check_recipe
from luthier.catalog.spaces import default_recipe, default_space
from luthier.core import Build, Categorical, Conditional, Float, Int, Space, Task

TABLE = Task("classification", "log_loss", "minimize", (20,), 3, cardinalities=(4,))
NUMBERS = Task("regression", "rmse", "minimize", (20,), 1)
IMAGES = Task("classification", "balanced_log_loss", "minimize", (3, 16, 16), 5)
TRIALS = (1, 9, 10, 24, 25, 49, 50, 500)


def build(
    n_features: int,
    kind: Annotated[str, Categorical("a", "b")] = "a",
    width: Annotated[int, Conditional("kind", {"a": Int(1, 8)})] = 4,
    hidden: tuple[int, ...] = (3, 3),
):
    """A user's builder."""


OWN = Build.read(build, "net.py:build")
CASES = [(f.build, task) for f in ALL for task in (TABLE, NUMBERS, IMAGES)] + [(OWN, TABLE)]


@pytest.mark.parametrize("trials", TRIALS)
@pytest.mark.parametrize(("build", "task"), CASES)
def test_the_baseline_lies_in_the_space(build, task, trials):
    baseline = default_recipe(build, task, rows=800)
    tensor = len(task.input_shape) > 1
    space = Space(
        default_space(build, task, rows=800, trials=trials, tensor=tensor, categorical=not tensor),
        baseline,
    )
    for name in space.parameters:
        domain = space.active(name, baseline)
        assert domain is None or baseline.get(name) in domain, name


@given(
    case=st.sampled_from(CASES),
    trials=st.sampled_from(TRIALS),
    rows=st.integers(1, 10**6),
    data=st.data(),
)
def test_every_point_is_a_recipe_that_can_be_trained(case, trials, rows, data):
    build, task = case
    space = Space(
        default_space(build, task, rows=rows, trials=trials, categorical=True),
        default_recipe(build, task, rows=rows),
    )
    unit = st.floats(0.0, 1.0)
    point = data.draw(st.lists(unit, min_size=space.dimensions, max_size=space.dimensions))
    recipe = space.decode(point)
    assert check_recipe(recipe) == recipe
    assert recipe.learning_rate * recipe.weight_decay < 0.1


@pytest.mark.parametrize(("build", "task"), CASES)
def test_a_larger_budget_only_adds_keys_and_never_epochs_or_batch_size(build, task):
    spaces = [default_space(build, task, rows=800, trials=n, tensor=True) for n in TRIALS]
    for small, large in pairwise(spaces):
        assert set(small) <= set(large)
    assert not {"epochs", "batch_size"} & set(spaces[-1])


def test_adams_parameters_join_by_budget_as_the_playbook_says():
    keys = {n: set(default_space(OWN, TABLE, rows=800, trials=n)) for n in (9, 10, 25, 50)}
    assert not keys[9] & {"optimizer", "beta1", "beta2", "epsilon"}
    assert keys[10] & {"beta1", "beta2", "epsilon"} == {"beta1"}
    assert keys[25] & {"beta1", "beta2", "epsilon"} == {"beta1", "epsilon"}
    assert {"beta1", "beta2", "epsilon"} <= keys[50]


def test_the_schedule_comes_last_where_there_is_a_budget_for_it():
    spaces = {n: default_space(OWN, TABLE, rows=800, trials=n) for n in (9, 10)}
    assert "schedule" not in spaces[9]
    late = Space(spaces[10], default_recipe(OWN, TABLE, rows=800)).late
    assert late == {"schedule": ("linear", "one_cycle")}


def test_each_optimizer_has_learning_rates_of_its_own():
    rates = default_space(OWN, TABLE, rows=800, trials=20)["learning_rate"]
    assert rates.case("nesterov").high > rates.case("adamw").high
    assert isinstance(rates.case("adamw"), Float)


def test_a_users_network_keeps_its_dropout_unless_it_is_known_to_have_one():
    assert default_recipe(OWN, TABLE, rows=800).dropout is None
    assert "dropout" not in default_space(OWN, TABLE, rows=800, trials=5)
    assert "dropout" in default_space(OWN, TABLE, rows=800, trials=5, dropout=True)


def test_a_conditional_of_the_builder_points_at_its_own_argument():
    space = default_space(OWN, TABLE, rows=800, trials=5)
    assert space["model.width"].on == "model.kind"


def test_a_balanced_metric_asks_for_balanced_weights():
    assert default_recipe(OWN, IMAGES, rows=800).class_weight == "balanced"
    assert default_recipe(OWN, TABLE, rows=800).class_weight is None


@pytest.mark.parametrize("rows", [1, 90, 1_000, 10_000, 10**6])
@pytest.mark.parametrize("budget", [1, 100, 240, 10_000])
def test_a_dozen_full_trainings_fit_the_budget(rows, budget):
    length = default_recipe(OWN, TABLE, rows=rows, budget_epochs=budget).epochs
    assert length == 10 or 10 < length <= budget / 12
    assert length <= default_recipe(OWN, TABLE, rows=rows).epochs <= 60


def test_for_tables_a_larger_network_that_is_held_back_is_thought_best():
    build = next(one.build for one in ALL if one.name == "mlp")
    baseline = default_recipe(build, TABLE, rows=800)
    space = Space(default_space(build, TABLE, rows=800, trials=12), baseline)
    middle = space.middle()
    assert middle.noise == middle.dropout == pytest.approx(0.3)
    assert middle.model["width"] > baseline.model["width"]
    assert middle.replace({"noise": 0.0, "dropout": 0.1, "model.width": 128}) == baseline
    images = default_space(build, IMAGES, rows=800, trials=12, tensor=True)
    assert "noise" not in images
