"""The engine's training is `model.fit`'s, step for step, where both can say the same."""

import keras
import numpy as np
import pytest
from keras import layers

from luthier import engines
from luthier.core import Build, Recipe
from luthier.frameworks.keras.framework import KerasFramework
from luthier.testing import arrays as data

ARRAYS = data.classes()
EPOCHS = 5


def build(n_features, n_outputs):
    model = keras.Sequential(
        [
            keras.Input((n_features,)),
            layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L2(0.02)),
            layers.BatchNormalization(),
            layers.Dense(n_outputs, activation="softmax"),
        ]
    )
    model.compile(optimizer=OPTIMIZERS[chosen](), loss="sparse_categorical_crossentropy")
    return model


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.005),
}
chosen = "adam"


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_after_some_epochs_are_those_of_fit(optimizer: str, monkeypatch):
    monkeypatch.setitem(globals(), "chosen", optimizer)
    framework, engine = KerasFramework(), engines.load("keras_eager")
    made = Build.read(build, "net.py:build", optimizer)
    base = Recipe(batch_size="full", epochs=EPOCHS)
    recipe = framework.baseline(made, base, ARRAYS, ()).recipe
    captured = framework.capture(made, recipe, ARRAYS, 0)
    engine.open(captured, ARRAYS)
    engine.put(0, recipe, 0, captured.initial)
    curves = engine.run({0: EPOCHS})[0]

    model = framework.restore(made, recipe, ARRAYS.task, captured.initial)
    history = model.fit(
        ARRAYS.train.inputs[0],
        ARRAYS.train.target,
        batch_size=len(ARRAYS.train),
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
    ).history["loss"]
    totals = np.add(curves.train_loss, curves.penalty)  # Keras' loss contains the penalty
    np.testing.assert_allclose(totals, history, rtol=2e-5)
    found = engine.take(0).group("weights")
    expected = framework.restore(made, recipe, ARRAYS.task, captured.initial)
    expected.set_weights(model.get_weights())
    from luthier.frameworks.keras.networks import values_of

    for name, value in values_of(expected).items():
        np.testing.assert_allclose(found[name], value, rtol=2e-4, atol=2e-5, err_msg=name)
