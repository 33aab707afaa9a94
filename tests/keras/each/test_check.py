"""`luthier.check` of Keras models: what it knows by Keras' names, and that it changes nothing."""

import random

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import luthier
from luthier.frameworks.keras.process import backend

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
NUMBERS = (X @ RNG.normal(size=(6, 1))).astype("float32")
layers, optimizers, losses = keras.layers, keras.optimizers, keras.losses
penalty = keras.regularizers.L2


LONG = pytest.mark.skipif(
    backend() == "jax", reason="takes long to compile, and has nothing of JAX's own"
)


def model(
    *body,
    last="softmax",
    units=3,
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    compiled=True,
    init="glorot_uniform",
    act="relu",
):
    keras.utils.set_random_seed(1)
    hidden = body or (layers.Dense(32, act, kernel_initializer=init),)
    made = keras.Sequential(
        [layers.Input((6,)), *hidden, layers.Dense(units, last, kernel_initializer=init)]
    )
    if compiled:
        made.compile(optimizer, loss)
    return made


def checked(made=None, data=(X, Y), **how):
    how.setdefault("seconds", 4.0)
    return luthier.check(made or model(), data, **how)


def test_a_healthy_model_is_one_calm_line():
    found = checked(epochs=20)
    assert found.healthy, str(found)
    assert "400 rows, 2 layers" in found.looked_at
    assert "Adam" in found.looked_at


def test_a_model_that_is_not_compiled_takes_loss_and_optimizer():
    how = {"loss_fn": "sparse_categorical_crossentropy", "optimizer": optimizers.SGD(1e3)}
    found = checked(model(compiled=False), **how)
    assert found.problems[0] == "learning_rate_out_of_range"
    with pytest.raises(luthier.LuthierError, match="no loss: the model is not compiled"):
        checked(model(compiled=False))


def every_row(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(keras.ops.reshape(y_true, (-1,)) - y_pred))


OUT_OF_RANGE = "learning_rate_out_of_range"
FAULTS = {
    "from_logits left out": ({"last": None}, "wrong_output_activation"),
    "a rate far too high": ({"optimizer": lambda: optimizers.SGD(1e3)}, OUT_OF_RANGE),
    "a rate far too low": ({"optimizer": lambda: optimizers.Adam(1e-7)}, OUT_OF_RANGE),
    "weights of zero": ({"init": "zeros"}, "bad_initialisation"),
    "no activation between": (
        {"body": lambda: [layers.Dense(8), layers.Dense(8), layers.Dense(8)]},
        "missing_nonlinearity",
    ),
    "a penalty that outweighs": (
        {"body": lambda: [layers.Dense(512, "relu", kernel_regularizer=penalty(1.0))]},
        "over_regularised",
    ),
    "decay that holds the weights": (
        {"optimizer": lambda: optimizers.AdamW(1e-3, weight_decay=30.0)}, "over_regularised"
    ),
    "softmax over one unit": (
        {"units": 1, "loss": "binary_crossentropy", "data": (X, Y > 0)},
        "wrong_output_activation",
    ),
    "a relu before numbers below zero": (
        {"units": 1, "last": "relu", "loss": "mse", "data": (X, NUMBERS - 9)},
        "wrong_output_activation",
    ),
    "classes from one": ({"data": (X, Y + 1)}, "label_range"),
    "raw numbers": (
        {"data": ((X + 5) * 1000, Y), "optimizer": lambda: optimizers.Adam(0.01)},
        "unscaled_inputs",
    ),
    "a loss that holds each row against all targets": (
        {"units": 1, "last": None, "data": (X, NUMBERS), "loss": lambda: every_row},
        "output_shape",
    ),
    "several tags a row under a softmax": (
        {"units": 4, "loss": "categorical_crossentropy", "data": (X, X[:, :4] > 0)},
        "wrong_output_activation",
    ),
    "dropout that leaves next to nothing": (
        {"body": lambda: [layers.Dense(32, "relu"), layers.Dropout(0.97)]}, "over_regularised"
    ),
    "bytes": (
        {"data": (np.clip((X + 3) * 42, 0, 255).astype("uint8"), Y),
         "optimizer": lambda: optimizers.SGD(0.1)},
        "unscaled_inputs",
    ),
    "momentum of one": (
        {"optimizer": lambda: optimizers.SGD(0.1, momentum=1.0)}, "optimizer_settings"
    ),
}  # fmt: skip


# What compiles takes long: there, one fault a kind of change that copies are trained with.
FEW = ("from_logits left out", "a rate far too high", "weights of zero", "a penalty that outweighs")


@pytest.mark.parametrize("name", FAULTS if backend() == "torch" else FEW)
def test_a_fault_is_named_before_training(name):
    how = dict(FAULTS[name][0])
    data = how.pop("data", (X, Y))
    body = how.pop("body", tuple)()
    made = model(*body, **{k: v() if callable(v) else v for k, v in how.items()})
    found = checked(made, data, epochs=10)
    assert FAULTS[name][1] in found.problems, str(found)
    assert not found.healthy


@LONG
def test_prescriptions_are_in_keras_words():
    text = str(checked(model(init="zeros"))) + str(checked(model(last=None)))
    assert "kernel_initializer" in text
    assert "torch" not in text


METRICS = {
    "a threshold of 0.5 on logits": (
        {"units": 1, "last": None, "loss": losses.BinaryCrossentropy(from_logits=True)},
        (Y > 0, ["accuracy", keras.metrics.BinaryAccuracy(threshold=0.0)]),
        "threshold=0.0",
    ),
    "equal values of shares": (
        {"loss": "categorical_crossentropy"},
        (np.eye(3, dtype="float32")[Y], [keras.metrics.Accuracy()]),
        'metrics=["accuracy"], by name',
    ),
    "accuracy of numbers": (
        {"units": 1, "last": None, "loss": "mse"}, (NUMBERS, ["accuracy"]), 'metrics=["mae"]'
    ),
    "the largest of several tags": (
        {"units": 4, "last": "sigmoid", "loss": "binary_crossentropy"},
        ((X[:, :4] > 0).astype("float32"), ["accuracy"]),
        "keras.metrics.BinaryAccuracy()",
    ),
}  # fmt: skip


@LONG
@pytest.mark.parametrize("name", METRICS)
def test_a_metric_that_right_outputs_do_not_satisfy(name):
    how, (target, metrics), advice = METRICS[name]
    made = model(**how)
    made.compile("adam", how["loss"], metrics=metrics)
    found = checked(made, (X, target), seconds=0.0)
    (finding,) = (one for one in found.findings if one.problem == "wrong_metric")
    assert len(finding.evidence) == 1
    assert advice in finding.prescriptions[0].advice


@LONG
@pytest.mark.parametrize("rows", [slice(None), np.argsort(Y, kind="stable")[:50]])
def test_metrics_that_fit_are_silent(rows):
    """Also those of rows of one class alone, which have no precision."""
    binary, names = keras.metrics, ["accuracy", "binary_accuracy"]
    for how, target, metrics in (
        ({}, Y, ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]),
        (
            {"units": 1, "last": "sigmoid", "loss": "binary_crossentropy"},
            Y > 1,
            [*names, binary.Precision(), binary.Recall(), binary.AUC()],
        ),
        ({"loss": "categorical_crossentropy"}, np.eye(3)[Y], ["accuracy", binary.F1Score("macro")]),
        ({"units": 1, "last": None, "loss": "mse"}, NUMBERS, ["mae", binary.R2Score()]),
    ):
        made = model(**how)
        made.compile("adam", how.get("loss", "sparse_categorical_crossentropy"), metrics=metrics)
        found = checked(made, (X[rows], target[rows]), seconds=0.0)
        assert "wrong_metric" not in found.problems, str(found)


def test_a_softmax_before_a_loss_of_logits():
    """On TensorFlow, Keras finds the logits behind the softmax; elsewhere it is applied twice."""
    found = checked(model(loss=losses.SparseCategoricalCrossentropy(from_logits=True)))
    if backend() == "tensorflow":
        assert found.healthy, str(found)
        assert any("from_logits=True beside softmax" in note for note in found.notes)
    else:
        assert found.problems[0] == "double_softmax"


def test_a_schedule_that_collapses_is_run_ahead():
    schedule = optimizers.schedules.ExponentialDecay(0.1, 13, 0.1)
    found = checked(model(optimizer=optimizers.SGD(schedule)), epochs=100)
    assert found.problems[0] == "schedule_collapses"
    for scheduler in (
        lambda epoch: 0.1 * 0.1**epoch,
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.1),
    ):
        how = {"scheduler": scheduler, "epochs": 100, "seconds": 0.0}
        assert checked(**how).problems[0] == "schedule_collapses"
    fine = optimizers.schedules.CosineDecay(0.1, 1300)
    assert checked(model(optimizer=optimizers.SGD(fine)), epochs=100).healthy


class Warming(optimizers.schedules.LearningRateSchedule):
    """As a well-known tutorial has it: the first rate is next to nothing, and no configuration."""

    def __call__(self, step):
        step = keras.ops.cast(step, "float32") + 1.0
        return 0.1 * keras.ops.minimum(step**-0.5, step * 400.0**-1.5)


@LONG
def test_a_schedule_that_warms_up_is_followed_by_its_highest_rate():
    found = checked(model(optimizer=optimizers.Adam(Warming())), epochs=60)
    assert found.healthy, str(found)
    assert "learning_rate_too_low" not in found.problems
    warm = optimizers.schedules.CosineDecay(1e-6, 700, warmup_target=900.0, warmup_steps=80)
    found = checked(model(optimizer=optimizers.SGD(warm)), epochs=60)
    assert found.problems[0] == "learning_rate_out_of_range"


@LONG
def test_names_that_are_learnt_as_amounts_are_told():
    rows, labels = load_digits(return_X_y=True)
    names = np.random.default_rng(1).permutation(10)[labels].astype("float32")
    keras.utils.set_random_seed(0)
    made = keras.Sequential([layers.Input((64,)), layers.Dense(24, "relu"), layers.Dense(1)])
    made.compile(optimizers.Adam(0.01), "mse")
    assert checked(made, (rows / 16, names), epochs=20).problems[0] == "wrong_loss"


@pytest.mark.skipif(backend() != "tensorflow", reason="slow elsewhere, and nothing of their own")
def test_what_a_sequence_begins_with_is_asked_for_where_little_is_learnt():
    keras.utils.set_random_seed(0)
    rows = RNG.normal(size=(400, 40, 4)).astype("float32")
    made = keras.Sequential(
        [layers.Input((40, 4)), layers.SimpleRNN(16), layers.Dense(1, "sigmoid")]
    )
    made.compile("adam", "binary_crossentropy")
    assert "vanishing_gradients" in checked(made, (rows, rows[:, 0, 0] > 0), seconds=6.0).problems


def everything(made):
    state = [np.array(v.numpy()) for v in (*made.variables, *made.optimizer.variables)]
    flags = [(one.name, one.trainable) for one in made._flatten_layers()]
    functions = [getattr(one, "activation", None) for one in made._flatten_layers()]
    numbers = np.random.get_state()[1].tolist()
    return state, (flags, functions, random.getstate(), numbers, keras.layers.Layer.__call__)


@pytest.mark.parametrize("fails", [False, True], ids=["it runs", "it fails"])
def test_nothing_of_the_users_is_changed(fails):
    keras.utils.set_random_seed(0)
    body = layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dropout(0.5)
    made = model(*body)
    made.layers[0].trainable = False
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(X, Y, epochs=1, verbose=0)
    before = everything(made)
    if fails:
        with pytest.raises(luthier.LuthierError):
            checked(made, (X[:, :3], Y))
    else:
        assert checked(made).healthy
    after = everything(made)
    assert all(np.array_equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert before[1] == after[1]


def test_a_fit_after_a_check_is_as_without_it():
    results = []
    for look in (True, False):
        keras.utils.set_random_seed(1)
        made = model(layers.Dense(16, "relu"), layers.Dropout(0.5, seed=1))
        if look:
            checked(made, seconds=1.0)
        results.append(made.fit(X, Y, epochs=2, verbose=0, validation_split=0.2).history)
    assert results[0] == results[1]


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.last = layers.Dense(16, "relu"), layers.Dense(3)

    def call(self, x):
        return keras.ops.softmax(self.last(self.hidden(x)))


@LONG
def test_subclassed_and_functional_models_are_checked():
    keras.utils.set_random_seed(0)
    made = Subclassed()
    made.compile("adam", "sparse_categorical_crossentropy")
    made(X[:2])
    assert checked(made, epochs=20).healthy
    x = keras.Input((6,))
    hidden = layers.Dense(16, "relu")(x)
    outputs = layers.Dense(3, "softmax")(layers.Concatenate()([x, hidden]))
    joined = keras.Model(x, outputs)
    joined.compile("adam", "sparse_categorical_crossentropy")
    assert checked(joined, epochs=20).healthy


@LONG
def test_a_model_without_weights_yet_is_looked_at_as_a_twin():
    keras.utils.set_random_seed(0)
    made = keras.Sequential([layers.Dense(16, "relu"), layers.Dense(3, "softmax")])
    made.compile("adam", "sparse_categorical_crossentropy")
    found = checked(made)
    assert found.healthy, str(found)
    assert any("a twin with weights of its own" in note for note in found.notes)
    assert not made.built


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return X[index * 50 : index * 50 + 50], Y[index * 50 : index * 50 + 50]


@LONG
def test_data_come_in_many_forms():
    for data in (
        Batches(),
        (X, np.eye(3, dtype="float32")[Y]),
        ((X[:300], Y[:300]), (X[300:], Y[300:])),
    ):
        hot = isinstance(data, tuple) and getattr(data[1], "ndim", 0) == 2
        made = model(loss="categorical_crossentropy" if hot else "sparse_categorical_crossentropy")
        assert checked(made, data, seconds=3.0).healthy


def test_validation_rows_that_were_trained_on_are_found():
    assert "leaked_rows" in checked(data=((X, Y), (X[:100], Y[:100])), seconds=0.0).problems


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"made": lambda: object()}, "or a keras.Model"),
        ({"data": (X, Y[:7])}, "400 rows and targets have 7"),
        ({"data": (X[:, :2], Y)}, "the model raised"),
        ({"data": 3}, "data is a int"),
        ({"loss": lambda model, batch: 0.0}, "loss=... takes a network and a batch"),
        ({"data": (np.array([["a"]]), np.array([1]))}, "numbers were expected"),
    ],
)
def test_a_mistake_is_one_clear_message(how, text):
    how = dict(how)
    made = how.pop("made", model)()
    with pytest.raises(luthier.LuthierError) as caught:
        checked(made, **how)
    assert text in str(caught.value)


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_pred - keras.ops.cast(y_true, y_pred.dtype)), -1)


@LONG
def test_a_loss_of_the_users_own_is_taken_as_it_is():
    made = model(units=1, last=None, loss=own_loss, optimizer=optimizers.Adam(0.01))
    assert checked(made, (X, NUMBERS), epochs=20).healthy


def test_a_loss_that_raises_is_told():
    def broken(y_true, y_pred):
        raise ArithmeticError("out of luck")

    found = checked(model(loss=broken))
    assert "out of luck" in str(found)
