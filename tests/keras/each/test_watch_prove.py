"""`KerasWatch.prove`: steps tried twice within a `fit` that goes on as if nothing was tried."""

import random

import keras
import numpy as np
import pytest

import luthier
from luthier.core import WatchError
from luthier.frameworks.keras.forking import batches_of, fork, live, step_of
from luthier.frameworks.keras.process import backend

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0)
layers = keras.layers


def model(rate=1.0, *, optimizer=None, kind=keras.Sequential, **how):
    """Return a network with all that could be disturbed: dropout, batch norm, Adam's averages."""
    keras.utils.set_random_seed(1)
    made = kind(
        [
            layers.Input((6,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(optimizer or keras.optimizers.Adam(rate), loss, metrics=["accuracy"], **how)
    return made


class Asking(keras.callbacks.Callback):
    """Asks at the end of an epoch, in the middle of a `fit`."""

    def __init__(self, watch, at, **how):
        super().__init__()
        self.watch, self.at, self.how, self.seen = watch, at, how, None

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            self.seen = self.watch.prove(X, Y, **self.how)


def fitted(made, *, epochs=10, ask=None, **how):
    watch = luthier.KerasWatch(live=False)
    asking = Asking(watch, ask, **how)
    keras.utils.set_random_seed(3)  # orders of rows
    history = made.fit(X, Y, batch_size=32, epochs=epochs, verbose=0, callbacks=[watch, asking])
    return watch, history.history, asking.seen


def state(made):
    several = [*made.variables, *made.optimizer.variables, *made.metrics_variables]
    return [np.array(keras.ops.convert_to_numpy(one.value)) for one in several]


def same(ones, others):
    return all(np.array_equal(a, b) for a, b in zip(ones, others, strict=True))


def test_fit_goes_on_bit_for_bit_and_the_watch_saw_nothing_of_it():
    one, other = model(), model()
    quiet, history, _ = fitted(one)
    tried, asked, seen = fitted(other, ask=7, steps=24)
    assert len(seen.plain) == len(seen.changed) == 24
    assert seen.changed != seen.plain
    assert asked == history
    assert same(state(one), state(other))
    assert tried.run.curves.train_loss == quiet.run.curves.train_loss
    assert tried.run.trace.counts == quiet.run.trace.counts
    assert tried.run.trace.steps == quiet.run.trace.steps


def test_a_rate_that_blows_up_is_seen_to_be_helped_after_fit_too():
    made = model()
    watch, _, seen = fitted(made, ask=9, steps=40)
    before = state(made), random.getstate(), np.random.get_state()[1].tolist()
    after = watch.prove(X, Y, steps=40)
    for one in (seen, after):
        assert one.settings["learning_rate"][1] < 0.1
        assert "Short horizon" in str(one)
        assert one.to_json()["horizon"] == "short"
    assert same(before[0], state(made))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]


def test_where_nothing_is_wrong_nothing_is_tried():
    watch, _, _ = fitted(model(3e-3), epochs=6)
    assert str(watch.prove(X, Y)) == "Nothing was tried: nothing wrong was found so far."


BATCHES = batches_of(X, Y, None, size=32, most=12)


def tried(made, settings, **how):
    return fork(made, step_of(made), BATCHES, settings, 60.0, **how)


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": (0.01, 0.1)},
        {"clip_norm": (None, 1e-4)},
        {"momentum": (0.9, 0.0)},
        {"weight_decay": (0.0, 5.0)},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_setting_is_changed_for_a_while_though_the_step_is_compiled(settings):
    made = model(optimizer=keras.optimizers.SGD(0.01, momentum=0.9))
    made.fit(X, Y, epochs=1, verbose=0)
    assert settings.keys() <= live(made)
    before, function = state(made), made.train_function
    config = made.optimizer.get_config()
    plain, changed = tried(made, settings)
    assert plain[0] == changed[0]  # the first step's loss is from before it
    assert plain[2:] != changed[2:]
    assert tried(made, {})[1] == plain
    assert same(before, state(made))
    assert made.optimizer.get_config() == config
    assert made.train_function is function
    assert "train_step" not in vars(made)


def test_settings_that_an_optimizer_cannot_change_are_none_of_them():
    falling = keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9)
    assert "learning_rate" not in live(model(optimizer=keras.optimizers.Adam(falling)))
    plain = live(model(optimizer=keras.optimizers.SGD(0.1, clipnorm=1.0)))
    assert plain == {"learning_rate", "weight_decay"}


@pytest.mark.skipif(backend() == "torch", reason="Keras takes single steps there")
def test_several_steps_in_one_call_are_taken_one_by_one():
    made = model(0.01, steps_per_execution=5)
    made.fit(X, Y, epochs=1, verbose=0)
    before, function = state(made), made.train_function
    plain, changed = tried(made, {"learning_rate": (0.01, 0.1)})
    assert len(plain) == len(changed) == 12
    assert len(set(plain)) == 12
    assert same(before, state(made))
    assert (made.steps_per_execution, made.train_function) == (5, function)


def test_a_step_that_raises_leaves_everything_as_it_was():
    made = model(0.01)
    made.fit(X, Y, epochs=1, verbose=0)
    before = state(made)

    def broken(batch):
        made.train_on_batch(*batch)
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        fork(made, broken, BATCHES, {}, 60.0)
    with pytest.raises(Exception, match=r"(?s)."):  # of each backend its own
        fork(made, step_of(made), [(X[:32, :2], Y[:32], None)], {}, 60.0)
    assert same(before, state(made))
    made.fit(X, Y, epochs=1, verbose=0)


def test_a_train_step_without_a_loss_is_told():
    class Silent(keras.Sequential):
        def train_step(self, *args):
            out = super().train_step(*args)
            logs, rest = (out[0], out[1:]) if isinstance(out, tuple) else (out, ())
            kept = {name: value for name, value in logs.items() if name != "loss"}
            return (kept, *rest) if rest else kept

    made = model(0.01, kind=Silent)
    made.fit(X, Y, epochs=1, verbose=0)
    with pytest.raises(WatchError, match="a loss was expected"):
        tried(made, {})


def test_rows_come_in_new_order_with_each_pass_and_batches_as_they_are():
    found = batches_of({"a": X, "b": X[:, 0]}, Y, None, size=100, most=5)
    assert [one[0]["a"].shape for one in found] == [(100, 6)] * 5
    assert not np.array_equal(found[0][1], found[3][1])
    assert batches_of(iter([1, 2, 3]), None, None, size=9, most=2) == [1, 2]
    with pytest.raises(WatchError, match="arrays of 10, 320 rows"):
        batches_of(X, Y[:10], None, size=9, most=2)


def test_it_is_asked_of_a_watch_that_has_seen_a_training():
    with pytest.raises(WatchError, match="has seen no training"):
        luthier.KerasWatch().prove(X, Y)
    watch, _, _ = fitted(model(), epochs=9)
    with pytest.raises(WatchError, match="no batches"):
        watch.prove([])
