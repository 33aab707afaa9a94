"""Images lie as a network's framework has them, and are read so again."""

import numpy as np
import pytest

from luthier.core import Recipe
from luthier.data import SplitPlan, from_python, laid_out, layouts, prepare, rows_from_python, split

GREY = np.random.default_rng(0).integers(0, 256, (40, 6, 5)).astype("uint8")
Y = np.arange(40) % 2


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (GREY, ("first", "last", "none")),
        (GREY[..., None], ("first",)),
        (GREY.astype("float32"), ("first",)),
        (GREY.reshape(40, -1), ("first",)),
    ],
    ids=["grey bytes", "channels of its own", "numbers", "a matrix"],
)
def test_what_has_its_layout_keeps_it(x, expected):
    assert layouts(from_python((x, Y))) == expected


@pytest.mark.parametrize(
    ("layout", "shape"), [("first", (1, 6, 5)), ("last", (6, 5, 1)), ("none", (6, 5))]
)
@pytest.mark.parametrize("preprocessing", ["none", "standard", "raw"])
def test_values_are_the_same_in_every_layout(layout, shape, preprocessing):
    recipe, plan = Recipe(preprocessing=preprocessing), SplitPlan(seed=0)
    plain = from_python((GREY, Y))
    moved = laid_out(plain, layout)
    first, other = (prepare(one, split(one, plan), recipe) for one in (plain, moved))
    assert other.arrays.task.input_shape == shape
    ours, theirs = (one.arrays.train.inputs[0].reshape(-1, 30) for one in (other, first))
    np.testing.assert_array_equal(ours, theirs)
    rows = rows_from_python(GREY[:3], other.preprocessing)
    assert rows.raw["tensor"].shape == (3, *shape)
