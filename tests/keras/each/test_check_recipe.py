"""`luthier check` of a Keras builder: the recipe's own training is what is looked at."""

import keras
import numpy as np
import pytest
from keras import layers

from luthier.catalog import losses
from luthier.catalog.losses import soft_targets
from luthier.catalog.ops_numpy import numpy_ops
from luthier.core import Build, Recipe
from luthier.frameworks.keras.framework import KerasFramework
from luthier.frameworks.keras.process import backend
from luthier.frameworks.keras.ready import loss_of
from luthier.loop.check import check_recipe
from luthier.testing import arrays as data
from luthier.testing.keras_networks import BUILDERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int64") + (X[:, 1] > 0)
ONCE = pytest.mark.skipif(
    backend() != "torch", reason="takes longer to compile, and finds the same"
)


def dense():
    model = keras.Sequential(
        [layers.Input((6,)), layers.Dense(32, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def checked(tmp_path, text=""):
    (tmp_path / "recipe.yaml").write_text(f"version: 1\nepochs: 20\n{text}\n")
    return check_recipe((X, Y), model=dense, recipe=tmp_path / "recipe.yaml", seconds=4.0)


def test_a_sound_builder_is_one_calm_line(tmp_path):
    found = checked(tmp_path)
    assert found.healthy, str(found)
    assert "2 layers" in found.looked_at
    assert "Adam" in found.looked_at


@ONCE
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("optimizer: adam\nlearning_rate: 10.0", "learning_rate_out_of_range"),
        ("optimizer: adam\nl2: 10.0", "over_regularised"),
    ],
)
def test_what_the_recipe_says_is_what_is_checked(tmp_path, text, problem):
    assert problem in checked(tmp_path, text).problems


def test_the_networks_own_optimizer_and_last_activation_are_gone():
    arrays = data.classes()

    def build():
        model = keras.Sequential([layers.Input((5,)), layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    built = Build.read(build, "net.py:build", "ready")
    recipe = Recipe(optimizer="radam", l2=0.5)
    model, loss, optimizer = KerasFramework().ready(built, recipe, arrays, 0)
    assert (model.optimizer, model.loss, optimizer) == (None, None, None)
    assert model.layers[-1].activation is keras.activations.linear
    assert "from_logits" in str(loss.get_config())
    assert [float(v.regularizer.l2) for v in model.trainable_variables if v.regularizer] == [0.5]


@pytest.mark.parametrize(
    "name", ["subclassed"] if backend() == "jax" else ["subclassed", "tied", "frozen"]
)
def test_networks_of_other_kinds_are_ready_too(name):
    recipe = Recipe(optimizer="adam", learning_rate=0.01)
    model, loss, optimizer = KerasFramework().ready(BUILDERS[name], recipe, data.classes(), 0)
    part = data.classes().train
    model.compile(optimizer, loss)
    history = model.fit(part.inputs[0], part.target, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("name", "smoothing"),
    [("cross_entropy", 0.0), ("cross_entropy", 0.2), ("binary_cross_entropy", 0.0), ("mse", 0.0),
     ("mae", 0.0), ("huber", 0.0)],
)  # fmt: skip
def test_losses_are_those_that_engines_minimise(name, smoothing):
    rng = np.random.default_rng(1)
    outputs = rng.normal(size=(7, 3 if name == "cross_entropy" else 1))
    if name == "cross_entropy":
        target = rng.integers(0, 3, 7)
        shares = soft_targets(target, np.eye(3) * (1 - smoothing) + smoothing / 3)
    elif name == "binary_cross_entropy":
        target = rng.integers(0, 2, 7)
        shares = target[:, None].astype(float)
    else:
        target = shares = rng.normal(size=(7, 1))
    expected = losses.by_name(name).per_example(numpy_ops, outputs, shares).mean()
    model = keras.Sequential([layers.Input((outputs.shape[1],)), layers.Identity()])
    model.compile(loss=loss_of(Recipe(label_smoothing=smoothing), name, "identity"))
    found = model.evaluate(outputs.astype("float32"), target, verbose=0)
    assert found == pytest.approx(expected, rel=1e-5)
