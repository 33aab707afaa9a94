"""Data is prepared once for each setting of the preprocessing, and a few settings are kept."""

from typing import Any

import numpy as np
import pytest

from luthier.core import Recipe
from luthier.data import SplitPlan, from_python
from luthier.loop.preparation import KEPT, Preparation


@pytest.fixture
def preparation(data: Any) -> Preparation:
    return Preparation(from_python(data), SplitPlan(seed=0))


def test_equal_settings_share_their_arrays(preparation: Preparation):
    one, other = Recipe(learning_rate=0.1), Recipe(learning_rate=0.2, optimizer="sgd")
    assert preparation.prepared(one) is preparation.prepared(other)


@pytest.mark.parametrize(
    "change",
    [{"preprocessing": "minmax"}, {"encoding": "ordinal"}, {"imputation": "mean"}],
    ids=str,
)
def test_another_setting_gets_its_own(preparation: Preparation, change: dict):
    recipe = Recipe()
    assert preparation.prepared(recipe) is not preparation.prepared(recipe.replace(change))


def test_the_split_is_the_same_for_all_settings(preparation: Preparation):
    one, other = (preparation.arrays(Recipe(preprocessing=p)) for p in ("standard", "none"))
    assert one.key != other.key
    for part in ("train", "val", "test"):
        assert np.array_equal(getattr(one, part).rows, getattr(other, part).rows)


def test_the_settings_used_last_are_kept(preparation: Preparation):
    names = ["standard", "minmax", "robust", "quantile", "none"]
    assert len(names) == KEPT + 1
    first = preparation.prepared(Recipe(preprocessing=names[0]))
    second = preparation.prepared(Recipe(preprocessing=names[1]))
    for name in [*names[2:4], names[0], names[4]]:
        preparation.prepared(Recipe(preprocessing=name))
    assert preparation.prepared(Recipe(preprocessing=names[0])) is first
    assert preparation.prepared(Recipe(preprocessing=names[1])) is not second
