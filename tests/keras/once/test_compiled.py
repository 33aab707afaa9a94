"""Networks of a TensorFlow process, trained in one where Keras runs on JAX."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

from luthier import engines
from luthier.core import Build
from luthier.frameworks.keras.framework import KerasFramework
from luthier.loop.training.choice import Choice
from luthier.loop.training.probe import probe
from luthier.testing import arrays as data
from luthier.testing.bench import CASES, OWN, SMALL, Bench, near, same_state
from luthier.testing.keras_networks import BUILDERS

BARE = SMALL.replace(OWN)
SEEN = ["average with batch norm", "penalties, decay and clipping", "mixup", "noise", "dropout"]


@pytest.fixture(scope="module")
def bench():
    return Bench(engines.load("compiled", "keras"), KerasFramework())


@pytest.fixture(scope="module")
def reference(bench):
    return Bench(engines.load("keras_eager"), bench.framework)


@pytest.mark.parametrize(
    "name",
    [*SEEN, "categories", "dropout as a function", "dropout of channels", "tied", "frozen",
     "double precision", "average with own buffers"],
)  # fmt: skip
def test_it_trains_as_tensorflow_does_masks_and_all(bench, reference, name):
    case = CASES[name]
    (ours, state), (theirs, expected) = (
        one.train(case.recipe, case.arrays()) for one in (bench, reference)
    )
    # Rounding, which Adam's first steps make large where gradients are next to nothing.
    near(ours.train_loss, theirs.train_loss, rel=3e-3)
    near(ours.val_loss, theirs.val_loss, rel=3e-3)
    near(ours.penalty, theirs.penalty, rel=3e-3)
    assert sorted(state.arrays) == sorted(expected.arrays)


@pytest.mark.parametrize("name", ["subclassed", "modeless", "recurrent", "penalised"])
def test_networks_of_every_kind_pass_the_probe(bench, reference, name):
    recipe = SMALL.replace({"network": name, "dropout": 0.3, **OWN})
    arrays = data.sequences() if name == "recurrent" else data.classes()
    captured = bench.framework.capture(BUILDERS[name], recipe, arrays, 0)
    assert bench.engine.refuses(captured, recipe) is None
    assert probe(bench.engine, reference.engine, captured, arrays, recipe, 0) is None


def test_a_dropout_of_zero_is_made_again_with_its_seed(bench):
    """Keras gives a layer random numbers of its own where its rate isn't zero as it is made."""

    def build(n_features: int, n_outputs: int):
        shape = (n_features,)
        return keras.Sequential([keras.Input(shape), layers.Dropout(0.5), layers.Dense(n_outputs)])

    recipe = SMALL.replace({"network": "build", "dropout": 0.0, **OWN})
    captured = bench.framework.capture(Build.read(build, "build"), recipe, data.classes(), 0)
    assert bench.engine.refuses(captured, recipe) is None


@pytest.mark.parametrize("name", ["dropout", "average with batch norm"])
def test_a_run_in_pieces_equals_one_run(bench, name):
    case = CASES[name]
    whole = bench.train(case.recipe, case.arrays())
    pieces = bench.train(case.recipe, case.arrays(), stops=(2, 4))
    same_state(pieces[1], whole[1])


def test_what_it_hands_over_has_the_score(bench):
    case = CASES["average with batch norm"]
    curves, state = bench.train(case.recipe, case.arrays())
    best = curves.score("log_loss", "minimize")
    near([bench.score(case.recipe, case.arrays(), state, case.arrays().val)], [best], rel=1e-5)


class TestRefusals:
    def test_random_numbers_that_differ_on_jax_fail_the_probe(self, bench):
        recipe = SMALL.replace({"network": "own_random_numbers", **OWN})
        arrays, choice = data.classes(), Choice("compiled", framework="keras")
        captured = bench.framework.capture(BUILDERS[recipe.network], recipe, arrays, 0)
        assert choice.name(captured, arrays, recipe, 0, epochs=4) == "keras_eager"
        assert any("the loss of step 1" in reason for reason in choice.reasons)

    def test_a_class_that_jax_cannot_find_stays_where_it_is(self, bench):
        class Twice(layers.Layer):
            def call(self, x):
                return 2 * x

        def build():
            return keras.Sequential([keras.Input((5,)), Twice(), layers.Dense(3)])

        made = Build.read(build, "net.py:build", "twice")
        captured = bench.framework.capture(made, BARE, data.classes(), 0)
        reason = bench.engine.refuses(captured, BARE)
        assert "cannot be made again from its configuration on JAX" in reason

    def test_a_lambda_stays_where_it_is(self, bench):
        def build():
            double = layers.Lambda(lambda x: 2 * x, output_shape=(5,))
            return keras.Sequential([keras.Input((5,)), double, layers.Dense(3)])

        made = Build.read(build, "net.py:build", "lambda")
        captured = bench.framework.capture(made, BARE, data.classes(), 0)
        assert bench.engine.refuses(captured, BARE) is not None

    def test_pytorchs_networks_are_refused(self, bench):
        captured = bench.framework.capture(BUILDERS["frozen"], BARE, data.classes(), 0)
        foreign = dataclasses.replace(captured, framework="torch")
        assert "torch" in bench.engine.refuses(foreign, BARE)

    def test_a_process_that_was_killed_is_said_and_started_anew(self):
        bench = Bench(engines.load("compiled", "keras"), KerasFramework())
        case = CASES["dropout"]
        bench.place(case.recipe, case.arrays())
        bench.engine._process._popen.kill()
        with pytest.raises(RuntimeError, match="ended with code -9"):
            bench.engine.run({0: 1})
        bench.place(case.recipe, case.arrays())
        assert np.isfinite(bench.engine.run({0: 1})[0].val_loss).all()
