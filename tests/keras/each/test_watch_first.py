"""What `luthier.KerasWatch` tells of the first rows: outputs against targets and loss."""

import keras
import numpy as np
import pytest
from keras import layers

import luthier
from luthier.frameworks.keras.process import backend

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
HOT = np.eye(3, dtype="float32")[Y]
BINARY = (Y > 0).astype("float32")


def watched(last, loss, y, *, units=3, x=X, hidden=(), epochs=2, init="glorot_uniform"):
    keras.utils.set_random_seed(1)
    body = hidden or [layers.Dense(16, activation="relu")]
    made = keras.Sequential(
        [layers.Input(x.shape[1:]), *body, layers.Dense(units, last, kernel_initializer=init)]
    )
    made.compile("adam", loss)
    watch = luthier.KerasWatch(live=False)
    made.fit(x, y, epochs=epochs, batch_size=32, verbose=0, callbacks=[watch])
    return watch, made


def problems(*how, **more):
    watch, _ = watched(*how, **more)
    return watch.diagnosis.problems


@pytest.mark.parametrize(
    ("last", "loss", "y", "units", "expected"),
    [
        ("softmax", "binary_crossentropy", BINARY, 1, "wrong_output_activation"),
        ("relu", "categorical_crossentropy", HOT, 3, "wrong_output_activation"),
        (None, "categorical_crossentropy", HOT, 3, "wrong_output_activation"),
        ("sigmoid", "mse", 100 * X[:, :1], 1, "wrong_output_activation"),
        pytest.param(
            *("sigmoid", "binary_crossentropy", 2 * BINARY - 1, 1, "label_range"),
            marks=pytest.mark.skipif(backend() == "torch", reason="there it raises"),
        ),
    ],
)
def test_outputs_that_do_not_fit_are_named(last, loss, y, units, expected):
    assert expected in problems(last, loss, y, units=units)


def test_a_metric_that_does_not_fit_is_named():
    keras.utils.set_random_seed(1)
    made = keras.Sequential([layers.Input((6,)), layers.Dense(8, "relu"), layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    made.compile("adam", loss, metrics=["accuracy"])
    watch = luthier.KerasWatch(live=False)
    made.fit(X, BINARY, epochs=2, verbose=0, callbacks=[watch])
    assert "wrong_metric" in watch.diagnosis.problems


def test_targets_that_are_broadcast_are_named():
    def mse(truth, outputs):  # as people write it: (32,) against (32, 1)
        return keras.ops.mean(keras.ops.square(keras.ops.reshape(truth, (-1,)) - outputs))

    assert {"output_shape", "wrong_loss"} & {*problems(None, mse, X[:, 0], units=1)}


@pytest.mark.parametrize(
    ("name", "last", "y"), [("mse", None, X[:, :1]), ("categorical_crossentropy", "softmax", HOT)]
)
def test_a_loss_that_is_upside_down_is_named(name, last, y):
    plain = keras.losses.get(name)
    units = y.shape[1]
    found = problems(last, lambda truth, outputs: -plain(truth, outputs), y, units=units)
    assert found[0] == "wrong_gradient_sign"


@pytest.mark.skipif(backend() == "tensorflow", reason="there Keras finds the logits itself")
def test_a_softmax_before_a_loss_of_logits_is_named():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert "double_softmax" in problems("softmax", loss, Y)


@pytest.mark.parametrize(
    ("last", "loss", "y", "units"),
    [
        ("softmax", "sparse_categorical_crossentropy", Y, 3),
        ("softmax", "categorical_crossentropy", HOT, 3),
        ("sigmoid", "binary_crossentropy", BINARY, 1),
        (None, keras.losses.BinaryCrossentropy(from_logits=True), BINARY, 1),
        (None, "mse", X[:, :1], 1),
        (None, "mae", X[:, 0], 1),
    ],
)
def test_outputs_that_fit_are_silent(last, loss, y, units):
    assert not problems(last, loss, y, units=units, epochs=4)


def test_values_that_are_no_numbers_are_named():
    broken = X.copy()
    broken[7, 3] = np.nan
    hidden = [layers.Dense(16, "tanh")]  # TensorFlow's relu of NaN is 0
    found = problems("softmax", "sparse_categorical_crossentropy", Y, x=broken, hidden=hidden)
    assert found[0] == "nonfinite_data"


def test_units_that_are_all_alike_are_named():
    hidden = [layers.Dense(16, "relu", kernel_initializer="ones", name="alike")]
    watch, _ = watched("softmax", "sparse_categorical_crossentropy", Y, hidden=hidden, init="ones")
    found = {one.problem: one for one in watch.diagnosis.findings}
    assert "All units of alike have the same weights" in found["bad_initialisation"].summary


class Cut(layers.Layer):
    """Lets nothing back."""

    def call(self, x):
        return keras.ops.stop_gradient(x)


@pytest.mark.skipif(backend() == "jax", reason="there it has a gradient of zero")
@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_weights_that_no_gradient_reaches_are_named():
    hidden = [layers.Dense(16, "relu", name="lost"), Cut()]
    watch, _ = watched("softmax", "sparse_categorical_crossentropy", Y, hidden=hidden, epochs=4)
    found = {one.problem: one for one in watch.diagnosis.findings}
    assert "lost/kernel" in found["parameters_not_trained"].summary


def test_the_loss_of_a_step_is_that_of_its_batch():
    keras.utils.set_random_seed(1)
    penalty = keras.regularizers.L2(0.1)
    made = keras.Sequential(
        [layers.Input((6,)), layers.Dense(8, "relu", kernel_regularizer=penalty), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.SGD(0.5), loss)
    logits = made(X[:32])
    expected = float(loss(Y[:32], logits))
    watch = luthier.KerasWatch(live=False)
    made.fit(X, Y, shuffle=False, epochs=5, verbose=0, callbacks=[watch])
    assert watch.run.trace.series["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert watch.run.curves.train_loss_eval == watch.run.curves.train_loss


def test_a_loss_with_dropout_is_not_one_of_evaluation():
    hidden = [layers.Dense(16, "relu"), layers.Dropout(0.5)]
    watch, _ = watched("softmax", "sparse_categorical_crossentropy", Y, hidden=hidden, epochs=4)
    assert not watch.run.curves.train_loss_eval


def test_measuring_leaves_model_and_random_numbers_alone():
    hidden = [layers.Dense(8), layers.BatchNormalization(), layers.GaussianNoise(0.1)]
    watch, made = watched("softmax", "sparse_categorical_crossentropy", Y, hidden=hidden)
    before = [np.array(v.numpy()) for v in (*made.variables, *made.optimizer.variables)]
    state = np.random.get_state()[1].copy()
    assert watch.diagnosis is not None
    assert "first_batch" in watch.run.trace.facts
    after = [np.array(v.numpy()) for v in (*made.variables, *made.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert (np.random.get_state()[1] == state).all()
