"""bfloat16: products of a training pass are rounded, and nothing else is."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.engines.native.rounded import tiles
from luthier.loop.training.probe import probe
from luthier.testing import arrays as data

ENGINES = ["compiled"] if importlib.util.find_spec("jax") else []
ENGINES += ["native"] if compiler() and tiles() else []
if not ENGINES:
    pytest.skip("no engine here computes in bfloat16", allow_module_level=True)


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


def windows(input_shape, n_outputs, width=20, **moves):
    layers = [
        nn.Conv2d(input_shape[0], 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, width, 3, **moves),
        nn.ReLU(),
        nn.Conv2d(width, 40, (1, 3)),
        nn.ReLU(),
    ]
    body = nn.Sequential(*layers, nn.Flatten())
    return nn.Sequential(body, nn.Linear(body(torch.zeros(1, *input_shape)).shape[1], n_outputs))


def strided(input_shape, n_outputs):
    return windows(input_shape, n_outputs, stride=2, padding=1)


def dilated(input_shape, n_outputs):
    return windows(input_shape, n_outputs, dilation=2, padding=(2, 1))


def wide(input_shape, n_outputs):  # more than fits in one go: places, columns, what is summed over
    return windows(input_shape, n_outputs, width=150, padding=1)


def hourglass(input_shape, n_outputs):
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 16, 3, padding=1, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 24, 2, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24 * input_shape[1] * input_shape[2], n_outputs),
    )


def large():
    return data.images(17)


def attending(input_shape, n_outputs):
    return Attending(input_shape[-1], n_outputs)


class Attending(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_inputs, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.last = nn.Linear(16, n_outputs)

    def forward(self, x):
        return self.last(self.encoder(self.first(x)).mean(1))


def recurrent(input_shape, n_outputs):
    return Recurrent(input_shape[-1], n_outputs)


class Recurrent(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.gru = nn.GRU(n_inputs, 16, batch_first=True)
        self.last = nn.Linear(16, n_outputs)

    def forward(self, x):
        return self.last(self.gru(x)[0][:, -1])


CASES = {
    "dense": (dense, data.classes),
    "images": (images, data.images),
    "windows": (windows, data.images),
    "windows over large images": (windows, large),
    "windows that stride": (strided, large),
    "dilated windows": (dilated, large),
    "wide windows": (wide, large),
    "hourglass": (hourglass, data.images),
    "attention": (attending, data.sequences),
    "recurrent": (recurrent, data.sequences),
}


EVALUATED = {"compiled": 0.0, "native": 1e-5}  # the latter keeps five digits of what it multiplies


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


PAIRS = [
    pytest.param(engine, case, id=f"{engine} {name}")
    for engine in ENGINES
    for name, case in CASES.items()
    if (engine, name) != ("compiled", "recurrent")  # which it refuses
]


@pytest.mark.parametrize(("engine", "case"), PAIRS)
class TestEngines:
    def test_steps_are_those_of_autocast_up_to_its_rounding(self, engine, case):
        half, true = (rehearsed(e, case, "bfloat16", 3) for e in (engine, "torch_eager"))
        np.testing.assert_allclose(half.losses, true.losses, rtol=0.02)
        np.testing.assert_allclose(half.norms, true.norms, rtol=0.05)

    def test_products_are_rounded(self, engine, case):
        half, full = (rehearsed(engine, case, p, 3) for p in ("bfloat16", "float32"))
        assert half.losses[0] != full.losses[0]

    def test_evaluation_and_weights_are_not(self, engine, case):
        half, full = (rehearsed(engine, case, p, 0) for p in ("bfloat16", "float32"))
        assert half.val_loss == pytest.approx(full.val_loss, rel=EVALUATED[engine])
        assert {a.dtype for a in half.state.group("weights").values()} <= {
            np.dtype(np.float32),
            np.dtype(np.int64),
        }


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", ["dense", "windows"])
def test_a_forward_pass_of_training_is_rounded_more_than_an_evaluation(engine, case):
    half, full = (rehearsed(engine, CASES[case], p, 1) for p in ("bfloat16", "float32"))
    assert abs(half.losses[0] / full.losses[0] - 1) > 2e-5


@pytest.mark.parametrize("engine", ENGINES)
def test_a_probe_compares_in_single_precision(engine):
    build, arrays = Build.read(dense, "dense"), data.classes()
    recipe = Recipe(network="dense", batch_size=16, precision="bfloat16")
    captured = frameworks.load("torch").capture(build, recipe, arrays, 0)
    found, eager = engines.load(engine), engines.load("torch_eager")
    assert probe(found, eager, captured, arrays, recipe, 0) is None
