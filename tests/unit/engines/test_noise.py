"""Noise of inputs: normal, of a share of what a column spreads over, in every engine the same."""

import dataclasses
import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.catalog.augmentation import noise, spread
from luthier.core import Build, Recipe, RecipeError
from luthier.engines.native.compiler import compiler
from luthier.engines.torch_eager.batches import batch
from luthier.engines.torch_eager.tensors import Tensors
from luthier.testing import arrays as data

TABLE = Recipe(network="network", batch_size=8, epochs=2, precision="float64", noise=0.4)


def dense(input_shape, n_outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), n_outputs))


def scaled():
    """Return rows whose columns have other scales, among them one without any spread."""
    arrays = data.classes()
    scale = np.array([1, 10, 0.1, 3, 0], np.float32)

    def part(old):
        return dataclasses.replace(old, inputs=(old.inputs[0] * scale + 1,))

    return dataclasses.replace(arrays, train=part(arrays.train), val=part(arrays.val), key="scaled")


@pytest.mark.parametrize("shape", [(200_000,), (500, 8, 50)])
def test_it_is_drawn_from_a_normal_distribution(shape):
    drawn = noise(0, 3, shape, np.float64)
    assert drawn.shape == shape
    points = np.array([-3.0, -2, -1, -0.3, 0, 0.5, 1, 2, 3.5])
    found = (drawn.reshape(-1, 1) < points).mean(0)
    expected = torch.special.ndtr(torch.from_numpy(points)).numpy()
    # four standard errors of a share
    assert np.abs(found - expected).max() < 4 * 0.5 / np.sqrt(drawn.size)
    assert np.isfinite(drawn).all()


def test_steps_seeds_and_places_have_their_own():
    first, other, later = (noise(*key, (100,), np.float32) for key in ((0, 0), (1, 0), (0, 1)))
    assert len({*first.tolist(), *other.tolist(), *later.tolist()}) == 300


def test_it_is_a_share_of_each_columns_own_spread():
    part = Tensors.of(scaled(), "float64", "cross_entropy").train
    rows = torch.arange(60)
    steps = [batch(part, None, rows, TABLE, 0, step)[0][0] for step in range(300)]
    found = (torch.stack(steps) - part.inputs[0]).std((0, 1), unbiased=False)
    expected = 0.4 * part.inputs[0].std(0, unbiased=False)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=0.03, atol=1e-12)


def test_images_have_one_spread():
    images = data.images().train.inputs[0]
    assert spread(images).shape == ()
    assert float(spread(images)) == pytest.approx(float(images.std()), rel=1e-5)


def test_large_parts_are_measured_in_pieces():
    rows = np.random.default_rng(0).normal(2.0, 3.0, size=(50, 4))
    np.testing.assert_allclose(spread(rows, rows=7), rows.std(0), rtol=1e-12)
    images = rows.reshape(25, 2, 2, 2)
    np.testing.assert_allclose(spread(images, rows=4), images.std(), rtol=1e-12)


CASES = {
    "a table": (scaled, {}),
    "images": (data.images, {"augmentation": "flip_shift", "mixup": 0.3}),
    "sequences": (data.sequences, {"mixup": 0.3}),
    "a class at each pixel": (data.masks, {"augmentation": "shift"}),
}


def pixels(n_outputs):
    return nn.Conv2d(1, n_outputs, 3, padding=1)


@pytest.mark.parametrize("engine", ["native", "compiled", "packed"])
@pytest.mark.parametrize("name", CASES)
def test_every_engine_adds_what_pytorchs_adds(trained, engine, name):
    if engine == "native" and not compiler():
        pytest.skip("there is no C compiler")
    if engine != "native" and importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    arrays, keys = CASES[name]
    build = Build.read(pixels if name == "a class at each pixel" else dense, "network")
    recipe = TABLE.replace(keys)
    found, true = (trained(e, build, recipe, arrays())[0] for e in (engine, "torch_eager"))
    np.testing.assert_allclose(found.train_loss, true.train_loss, rtol=1e-9)
    np.testing.assert_allclose(found.val_loss, true.val_loss, rtol=1e-9)
    plain = trained("torch_eager", build, recipe.replace({"noise": 0.0}), arrays())[0]
    assert abs(plain.train_loss[0] / true.train_loss[0] - 1) > 1e-6


def test_evaluation_is_without_it(trained):
    recipe = TABLE.replace({"learning_rate": 1e-30, "optimizer": "sgd"})
    build = Build.read(dense, "network")
    noisy, plain = (
        trained("torch_eager", build, recipe.replace({"noise": n}), scaled())[0] for n in (9.0, 0.0)
    )
    assert noisy.val_loss == pytest.approx(plain.val_loss, rel=1e-12)
    assert noisy.train_loss_eval == pytest.approx(plain.train_loss_eval, rel=1e-12)


def test_tokens_take_none():
    def build(n_outputs):
        return nn.Sequential(nn.Embedding(12, 4), nn.Flatten(), nn.Linear(24, n_outputs))

    with pytest.raises(RecipeError, match=r"noise: got 0.4 for inputs that are codes or tokens"):
        frameworks.load("torch").capture(Build.read(build, "network"), TABLE, data.tokens(), 0)


def test_programs_without_it_are_the_ones_that_have_it(trained):
    """A study over noise compiles one program in C."""
    if not compiler():
        pytest.skip("there is no C compiler")
    engine = engines.load("native")
    for share in (0.0, 0.1, 0.2):
        trained(engine, Build.read(dense, "network"), TABLE.replace({"noise": share}), scaled())
    assert len(engine._programs) == 1


def test_a_pack_has_trials_with_it_and_without(trained):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    build, arrays = Build.read(dense, "network"), scaled()
    recipes = [TABLE.replace({"noise": share}) for share in (0.3, 0.0)]
    captured = frameworks.load("torch").capture(build, recipes[0], arrays, 0)
    engine = engines.load("packed")
    engine.open(captured, arrays)
    for slot, recipe in enumerate(recipes):
        engine.put(slot, recipe, 0, captured.initial)
    found = engine.run({0: 2, 1: 2})
    for slot, recipe in enumerate(recipes):
        true = trained("torch_eager", build, recipe, arrays)[0]
        np.testing.assert_allclose(found[slot].train_loss, true.train_loss, rtol=1e-9)
