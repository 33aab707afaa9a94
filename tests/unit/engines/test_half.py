"""bfloat16: products of a training pass are rounded, and nothing else is."""

import importlib.util

import numpy as np
import pytest
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.loop.training.probe import probe
from luthier.testing import arrays as data

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)


def dense(n_features):
    return nn.Sequential(nn.Linear(n_features, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3))


def images(input_shape, n_outputs, width=6):
    channels, high, broad = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * (high // 2) * (broad // 2), n_outputs),
    )


CASES = {"dense": (dense, data.classes), "images": (images, data.images)}


def rehearsed(engine, case, precision, steps):
    function, arrays = case[0], case[1]()
    build = Build.read(function, function.__name__)
    recipe = Recipe(network=function.__name__, batch_size=16, precision=precision)
    captured = frameworks.load("torch").capture(build, recipe, arrays, 0)
    engine = engines.load(engine)
    assert engine.refuses(captured, recipe) is None
    engine.open(captured, arrays)
    engine.put(0, recipe, 0, captured.initial)
    return engine.rehearse(0, steps)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
class TestCompiled:
    def test_steps_are_those_of_autocast_up_to_its_rounding(self, case):
        half, true = (rehearsed(e, case, "bfloat16", 3) for e in ("compiled", "torch_eager"))
        np.testing.assert_allclose(half.losses, true.losses, rtol=0.02)
        np.testing.assert_allclose(half.norms, true.norms, rtol=0.05)

    def test_products_are_rounded(self, case):
        half, full = (rehearsed("compiled", case, p, 3) for p in ("bfloat16", "float32"))
        assert half.losses[0] != full.losses[0]

    def test_evaluation_and_weights_are_not(self, case):
        half, full = (rehearsed("compiled", case, p, 0) for p in ("bfloat16", "float32"))
        assert half.val_loss == full.val_loss
        assert {a.dtype for a in half.state.group("weights").values()} <= {
            np.dtype(np.float32),
            np.dtype(np.int64),
        }


def test_a_probe_compares_in_single_precision():
    build, arrays = Build.read(dense, "dense"), data.classes()
    recipe = Recipe(network="dense", batch_size=16, precision="bfloat16")
    captured = frameworks.load("torch").capture(build, recipe, arrays, 0)
    compiled, eager = engines.load("compiled"), engines.load("torch_eager")
    assert probe(compiled, eager, captured, arrays, recipe, 0) is None
