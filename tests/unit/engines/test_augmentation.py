"""Images are varied inside programs of JAX as in PyTorch's engine."""

import importlib.util

import numpy as np
import pytest
from torch import nn

from luthier.catalog.augmentation import KINDS, kinds_of
from luthier.catalog.recipe_keys.table import KEYS
from luthier.core import Build, Recipe
from luthier.testing import arrays as data

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)

from luthier.engines.packed import Packed

WORDS = next(key.choices for key in KEYS if key.name == "augmentation")


def network(input_shape, n_outputs):
    channels, high, wide = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 3, 2), nn.Flatten(), nn.Linear(3 * (high - 1) * (wide - 1), n_outputs)
    )


def for_pixels(n_outputs):
    return nn.Conv2d(1, n_outputs, 3, padding=1)


def losses_of(trained, engine, augmentation, build=network, arrays=None, **keys):
    recipe = Recipe(
        network="network", batch_size=8, epochs=2, precision="float64", dropout=None, **keys
    )
    recipe = recipe.replace({"augmentation": augmentation})
    arrays = arrays or data.images()
    return trained(engine, Build.read(build, "network"), recipe, arrays)[0].train_loss


@pytest.mark.parametrize("augmentation", WORDS)
def test_a_compiled_trial_sees_what_one_in_pytorch_sees(trained, augmentation):
    found, true = (losses_of(trained, e, augmentation) for e in ("compiled", "torch_eager"))
    np.testing.assert_allclose(found, true, rtol=1e-10)


@pytest.mark.parametrize("augmentation", ["flip", "shift_cutout"])
def test_classes_of_pixels_move_with_them(trained, augmentation):
    keys = {"build": for_pixels, "arrays": data.masks(), "label_smoothing": 0.1}
    found, true = (losses_of(trained, e, augmentation, **keys) for e in ("compiled", "torch_eager"))
    np.testing.assert_allclose(found, true, rtol=1e-10)


@pytest.mark.parametrize("augmentation", ["none", "shift", "flip_shift_cutout"])
def test_so_does_one_of_a_pack(trained, augmentation):
    packed = Packed("cpu")
    found, true = (losses_of(trained, e, augmentation, mixup=0.3) for e in (packed, "torch_eager"))
    np.testing.assert_allclose(found, true, rtol=1e-7)


def test_every_set_of_kinds_has_a_word():
    assert sorted(map(kinds_of, WORDS)) == list(range(2 ** len(KINDS)))
