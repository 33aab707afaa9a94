"""A linear model and boosted trees beside the network, on the same rows."""

import numpy as np
import pytest

from luthier.catalog import metrics
from luthier.core import Recipe
from luthier.data import SplitPlan, fit_references, from_python, prepare, read, split


def prepared(data):
    return prepare(data, split(data, SplitPlan()), Recipe()).arrays


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_both_learn_what_there_is_to_learn(name: str):
    arrays = prepared(read(name))
    linear, trees = fit_references(arrays)
    assert (linear.name, trees.name) == ("linear", "trees")
    for one in (linear, trees):
        outputs = one.outputs(arrays.val)
        assert outputs.shape == (len(arrays.val), arrays.task.n_outputs)
        metric = "accuracy" if name == "iris" else "r2"
        score = metrics.by_name(metric).compute(outputs, arrays.val.target)
        assert score > (0.85 if name == "iris" else 0.25)


def test_several_numbers_are_predicted_at_once():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    arrays = prepared(from_python((x, x[:, :2] * 2)))
    for one in fit_references(arrays):
        assert one.outputs(arrays.val).shape == (len(arrays.val), 2)


def test_images_have_none_and_many_classes_have_no_trees():
    rng = np.random.default_rng(0)
    images = rng.normal(size=(60, 1, 4, 4)).astype(np.float32)
    assert fit_references(prepared(from_python((images, np.arange(60) % 2)))) == []
    arrays = prepared(read("iris"))
    assert [one.name for one in fit_references(arrays, classes=2)] == ["linear"]


def test_of_many_rows_a_sample_is_fitted():
    arrays = prepared(read("iris"))
    some, all_ = fit_references(arrays, rows=40)[0], fit_references(arrays)[0]
    assert not np.allclose(some.outputs(arrays.val), all_.outputs(arrays.val))
