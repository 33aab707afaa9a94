"""`luthier.KerasWatch` in `fit`: what it sees, what it says, and that it changes nothing."""

import gc
import weakref

import keras
import numpy as np
import pytest

import luthier
from luthier.frameworks.keras.process import backend

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
layers = keras.layers


def model(*hidden, optimizer="adam", seed=1, loss="sparse_categorical_crossentropy", **how):
    keras.utils.set_random_seed(seed)
    body = hidden or (layers.Dense(16, activation="relu"),)
    body = body[0]() if callable(body[0]) and not isinstance(body[0], layers.Layer) else body
    made = keras.Sequential([layers.Input((6,)), *body, layers.Dense(3, activation="softmax")])
    made.compile(optimizer, loss, metrics=["accuracy"], **how)
    return made


def fitted(made, *, epochs=3, callbacks=(), x=X, y=Y, **how):
    """Train; return the watch, and what Keras says of it."""
    watch = luthier.KerasWatch(live=False)
    how = {"batch_size": 32, "verbose": 0, **how}
    history = made.fit(x, y, epochs=epochs, callbacks=[watch, *callbacks], **how)
    return watch, history


def series(watch, name):
    return watch.run.trace.series[name]


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01),
    "nadam": lambda: keras.optimizers.Nadam(0.01),
    "adamax": lambda: keras.optimizers.Adamax(0.01),
    "lamb": lambda: keras.optimizers.Lamb(0.01),
    "lion": lambda: keras.optimizers.Lion(0.01),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01),
    "adadelta": lambda: keras.optimizers.Adadelta(0.01),
    "adagrad": lambda: keras.optimizers.Adagrad(0.01, initial_accumulator_value=0.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_gradient_that_an_optimizer_got_is_read_from_what_it_keeps(name):
    """The first step of every optimizer has the gradient that plain SGD takes its step along."""
    once = {"shuffle": False, "epochs": 1, "x": X[:64], "y": Y[:64]}
    plain = model(optimizer=keras.optimizers.SGD(1.0))
    before = plain.get_weights()[0]
    fitted(plain, **{**once, "x": X[:32], "y": Y[:32]})
    gradient = before - plain.get_weights()[0]
    watch, _ = fitted(model(optimizer=OPTIMIZERS[name]()), **once)
    found = [v for k, v in watch.run.trace.series.items() if k.startswith("gradient_norm/dense")]
    steps = [one[0] if np.isfinite(one[0]) else None for one in found]
    if steps[0] is not None:  # an optimizer that its first step builds is read from the second on
        assert steps[0] == pytest.approx(np.sqrt(np.mean(gradient**2)), rel=0.02)
    assert all(np.isfinite(one[1]) for one in found)


def callbacks_of_users():
    return [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.ReduceLROnPlateau(patience=1),
        keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True),
    ]


FITS = {
    "validation_split": ({}, {"validation_split": 0.2}),
    "validation_data, class weights": (
        {},
        {"validation_data": (X[:50], Y[:50]), "class_weight": {0: 1.0, 1: 2.0, 2: 1.0}},
    ),
    "callbacks": ({}, {"validation_split": 0.2, "callbacks": "users"}),
    "momentum": ({"optimizer": lambda: keras.optimizers.SGD(0.1, momentum=0.9)}, {}),
    "penalties and dropout": (
        {
            "hidden": lambda: (
                layers.Dense(16, "tanh", kernel_regularizer="l2"),
                layers.Dropout(0.3),
            )
        },
        {"validation_split": 0.1},
    ),
    "accumulation": (
        {"optimizer": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2)},
        {},
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_the_result_of_fit_is_the_same_bit_for_bit(name):
    makes, how = FITS[name]
    results = []
    for watched in (True, False):
        plain = {k: v() for k, v in makes.items() if k != "hidden"}
        made = model(*[one for name, one in makes.items() if name == "hidden"], **plain)
        given = {**how, "callbacks": callbacks_of_users() if "callbacks" in how else []}
        if watched:
            given["callbacks"] = [luthier.KerasWatch(live=False), *given["callbacks"]]
        history = made.fit(X, Y, epochs=5, batch_size=32, verbose=0, **given).history
        results.append((made.get_weights(), history, made.optimizer.learning_rate))
    (weights, history, rate), (others, other, other_rate) = results
    assert all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
    assert history == other
    assert float(rate) == float(other_rate)


def test_a_healthy_fit_is_one_calm_line():
    made = model(optimizer=keras.optimizers.Adam(0.02))
    watch, _ = fitted(made, epochs=12, validation_split=0.2)
    found = watch.diagnosis
    assert found.healthy, str(found)
    assert "Looked at 12 epochs: train_loss, val_loss, val_accuracy" in str(found)
    assert found.notes == ()


def test_keras_loss_and_its_penalty_are_told_apart():
    made = model(layers.Dense(16, "relu", kernel_regularizer=keras.regularizers.L2(0.1)))
    watch, history = fitted(made, epochs=4, validation_data=(X[:64], Y[:64]))
    curves = watch.run.curves
    assert np.add(curves.train_loss, curves.penalty) == pytest.approx(history.history["loss"])
    penalty = 0.1 * float((made.get_weights()[0] ** 2).sum())
    outputs = made.predict(X[:64], verbose=0)
    data = -np.log(outputs[np.arange(64), Y[:64]]).mean()
    assert curves.val_loss[-1] == pytest.approx(data, rel=1e-4)
    assert history.history["val_loss"][-1] - penalty == pytest.approx(data, rel=1e-4)
    assert watch.run.recipe.l2 == pytest.approx(0.1)


def test_a_history_is_diagnosed_and_its_penalty_told():
    made = model(layers.Dense(16, "relu", kernel_regularizer=keras.regularizers.L2(0.1)))
    history = made.fit(X, Y, epochs=3, verbose=0, validation_split=0.2)
    found = luthier.diagnose(history)
    assert "3 epochs: train_loss, val_loss, val_accuracy" in found.looked_at
    penalty = 0.1 * float((made.get_weights()[0] ** 2).sum())
    assert any(f"penalty, {penalty:.3g} at the end" in note for note in found.notes)
    assert not any("penalty" in note for note in luthier.diagnose(history.history).notes)


def test_csv_logger_is_read(tmp_path):
    path = tmp_path / "log.csv"
    logger = keras.callbacks.CSVLogger(path)
    model().fit(X, Y, epochs=3, verbose=0, validation_split=0.2, callbacks=[logger])
    assert "3 epochs: train_loss, val_loss, val_accuracy" in luthier.diagnose(path).looked_at


def test_a_penalty_that_leaves_nothing_to_learn_is_found():
    made = model(layers.Dense(64, "relu", kernel_regularizer=keras.regularizers.L2(3.0)))
    watch, _ = fitted(made, epochs=10, validation_split=0.2)
    assert watch.diagnosis.problems[0] == "over_regularised"


def test_a_split_of_sorted_rows_is_found():
    order = np.argsort(Y)
    watch, _ = fitted(model(), x=X[order], y=Y[order], validation_split=0.3)
    worst = watch.diagnosis.findings[0]
    assert worst.problem == "split_mismatch"
    assert worst.severity == "error"
    assert "validation_split=0.3 takes the last rows as they stand" in worst.summary


def test_bytes_that_throw_the_first_epoch_off_are_found():
    watch, _ = fitted(model(), x=np.abs(X) * 50, epochs=4)
    assert "unscaled_inputs" in watch.diagnosis.problems
    made = model(layers.Rescaling(1 / 50), layers.Dense(16, "relu"))
    watch, _ = fitted(made, x=np.abs(X) * 50, epochs=4)
    assert "unscaled_inputs" not in watch.diagnosis.problems


def test_inputs_that_were_scaled_twice_are_found():
    slow = keras.optimizers.SGD(0.01)
    watch, _ = fitted(model(optimizer=slow), x=X / 3000, epochs=4)
    assert "unscaled_inputs" in watch.diagnosis.problems
    made = model(layers.BatchNormalization(), layers.Dense(16, "relu"), optimizer="adam")
    watch, _ = fitted(made, x=X / 3000, epochs=4)
    assert "unscaled_inputs" not in watch.diagnosis.problems


def test_sorted_rows_that_are_never_shuffled_are_found():
    order = np.argsort(Y)
    watch, _ = fitted(model(), x=X[order], y=Y[order], shuffle=False, epochs=4)
    assert "unshuffled_data" in watch.diagnosis.problems
    watch, _ = fitted(model(), x=X[order], y=Y[order], epochs=4)
    assert "unshuffled_data" not in watch.diagnosis.problems


def test_biases_far_below_zero_are_dead_units():
    start = keras.initializers.Constant(-50.0)
    made = model(layers.Dense(16, "relu", bias_initializer=start), layers.Dense(16, "relu"))
    watch, _ = fitted(made, epochs=12, validation_split=0.2)
    assert "dead_units" in watch.diagnosis.problems
    assert "dense" in next(f for f in watch.diagnosis.findings if f.problem == "dead_units").summary


def test_where_nothing_reaches_the_last_layer_no_unit_is_called_dead():
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(16, "relu"), layers.Dense(16, "relu")
    made = keras.Sequential([layers.Input((6,)), *hidden, layers.Dense(1, "softmax")])
    made.compile("adam", "binary_crossentropy")
    watch, _ = fitted(made, epochs=6, y=(Y > 0).astype("float32"))
    assert "dead_units" not in watch.diagnosis.problems


def test_saturated_values_are_measured_between_epochs(monkeypatch):
    monkeypatch.setattr(
        "luthier.frameworks.keras.watching.FORWARD",
        dict.fromkeys(("tensorflow", "jax", "torch"), 0.0),
    )
    start = keras.initializers.RandomNormal(stddev=30.0)
    made = model(layers.Dense(16, "tanh", kernel_initializer=start, name="wide"))
    watch, _ = fitted(made, epochs=2)
    assert max(v for v in series(watch, "saturated/wide") if np.isfinite(v)) > 0.8


def test_the_rate_of_every_epoch_is_the_one_that_it_trained_with():
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 ** (epoch + 1))
    watch, _ = fitted(model(), epochs=6, callbacks=[schedule])
    assert watch.run.curves.learning_rate == pytest.approx([0.1 ** (e + 1) for e in range(6)])
    assert "schedule_collapses" in watch.diagnosis.problems


def test_a_schedule_of_the_optimizer_is_read_where_it_stands():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    watch, _ = fitted(model(optimizer=keras.optimizers.SGD(schedule)), epochs=3)
    assert watch.run.curves.learning_rate == pytest.approx(
        [0.1 * 0.5 ** (s / 10) for s in (9, 19, 29)]
    )


class Custom(keras.Model):
    """A subclassed model whose loss is its own."""

    def __init__(self):
        super().__init__()
        self.hidden, self.last = layers.Dense(8, "relu", kernel_regularizer="l2"), layers.Dense(3)

    def call(self, x):
        return self.last(self.hidden(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y, y_pred, True))


def test_a_model_with_a_loss_of_its_own_is_watched_and_told_what_was_not_seen():
    keras.utils.set_random_seed(0)
    made = Custom()
    made.compile("adam")
    watch, history = fitted(made, epochs=3)
    assert watch.run.curves.train_loss == pytest.approx(history.history["loss"])
    assert any("was not told apart" in note for note in watch.diagnosis.notes)
    assert any(name.startswith("gradient_norm/") for name in watch.run.trace.series)


def test_an_optimizer_that_keeps_no_gradient_is_told():
    watch, _ = fitted(model(optimizer="adafactor"), epochs=2)
    assert any("Adafactor keeps nothing" in note for note in watch.diagnosis.notes)
    assert any(name.startswith("update_ratio/") for name in watch.run.trace.series)


@pytest.mark.skipif(backend() == "torch", reason="Keras has no such steps on PyTorch")
def test_several_steps_in_one_execution_are_told():
    made = model(steps_per_execution=4)
    watch, _ = fitted(made, epochs=3)
    assert watch.run.trace.counts["steps"] == 30
    assert watch.diagnosis.notes == (
        "4 steps are one execution: updates and gradients of single steps were not seen",
    )


def test_rows_that_come_from_a_data_set_are_not_read():
    class Rows(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return X[index * 32 : index * 32 + 32], Y[index * 32 : index * 32 + 32]

    watch, _ = fitted(model(), x=Rows(), y=None, batch_size=None)
    assert any("rows come from a data set" in note for note in watch.diagnosis.notes)
    assert watch.run.trace.facts["loss_of_guessing"] == pytest.approx(np.log(3))


def test_weights_of_classes_count_in_the_loss_of_guessing():
    watch, _ = fitted(model(), epochs=1, class_weight={0: 2.0, 1: 2.0, 2: 2.0})
    assert watch.run.trace.facts["loss_of_guessing"] == pytest.approx(2 * np.log(3))


def test_several_fits_that_go_on_are_one_training():
    made = model()
    for _ in range(4):
        watch, _ = fitted(made, epochs=1)
    assert len(watch.run.curves.train_loss) == 4
    assert watch.run.trace.counts["steps"] == 40


def test_a_fit_with_other_weights_is_a_new_training():
    made = model()
    fitted(made, epochs=2)
    made.set_weights([w * 0.9 for w in made.get_weights()])
    watch, _ = fitted(made, epochs=1)
    assert len(watch.run.curves.train_loss) == 1


def test_nothing_is_left_behind():
    made = model()
    made.build((None, 6))
    before = {name: id(getattr(type(made), name)) for name in ("fit", "train_step", "__call__")}
    watch, history = fitted(made, epochs=2)
    assert before == {name: id(getattr(type(made), name)) for name in before}
    assert not [name for name in vars(made) if "luthier" in name]
    gone, run = weakref.ref(made), watch.run
    del made, watch, history  # every callback of Keras holds its model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None
    assert len(run.curves) == 2


def test_a_fit_that_is_broken_off_can_be_gone_on_with():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    made, watch = model(), luthier.KerasWatch(live=False)
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, verbose=0, callbacks=[watch, Stop()])
    made.fit(X, Y, verbose=0, epochs=2, callbacks=[watch])
    assert len(watch.run.curves) >= 2


def test_what_is_certain_is_said_while_fit_runs():
    texts = []
    made = model(optimizer=keras.optimizers.SGD(1e6))
    watch = luthier.KerasWatch(notify=texts.append)
    made.fit(X * 100, Y, epochs=6, verbose=0, callbacks=[watch])
    assert texts
    assert texts[0].startswith("luthier, after epoch")


@pytest.mark.parametrize(("planned", "said"), [(12, True), (60, False)])
def test_what_more_epochs_may_cure_is_not_said_at_the_beginning_of_many(planned, said):
    """A published network learns nothing for sixty of 300 epochs, and then does."""
    texts = []
    made = model(optimizer=keras.optimizers.SGD(0.01))
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(made, "stop_training", epoch >= 11)
    )
    watch = luthier.KerasWatch(notify=texts.append)
    y = np.random.default_rng(1).permutation(Y)
    made.fit(X, y, epochs=planned, verbose=0, validation_split=0.2, callbacks=[watch, stop])
    assert bool(texts) == said


class Wrapper:
    """The small wrapper that gives a model `train` and `evaluate`."""

    def __init__(self, connected):
        self.model, self.connected = model(optimizer=keras.optimizers.SGD(0.1)), connected

    def train(self, x, y, rate):
        if self.connected:
            self.model.optimizer.learning_rate = rate
        self.watch = luthier.KerasWatch(live=False)
        self.model.fit(x, y, verbose=0, callbacks=[self.watch])

    def evaluate(self, x, y):
        return self.model.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("connected", [False, True])
def test_the_four_faults_of_a_published_loop_are_named_where_they_apply(connected):
    X_train, y_train, X_test, y_test = X[:240], Y[:240], X[240:], Y[240:]
    model = Wrapper(connected)
    learning_rate = 0.1
    for _ in range(8):
        learning_rate *= 0.1
        model.train(X_train, y_train, learning_rate)
        model.evaluate(X_test, y_test)
    found = {one.problem: one for one in model.watch.diagnosis.findings}
    assert found["test_set_reused"].severity == "warning"
    assert "begins at 0.1" in found["first_rate_skipped"].summary
    if connected:
        assert found["schedule_collapses"].severity in ("warning", "error")
        assert found["first_rate_skipped"].severity == "warning"
        assert "schedule_not_applied" not in found
    else:
        told = found["schedule_not_applied"]
        assert "trains with 0.1 throughout" in told.summary
        assert "be 1e-06 in epoch 5" in told.summary
        assert found["first_rate_skipped"].severity == "info"
        assert "schedule_collapses" not in found
