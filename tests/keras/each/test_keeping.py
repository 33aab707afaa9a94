"""A Keras model and its optimizer go on where they paused, on every backend."""

import keras
import numpy as np

import luthier
from luthier import frameworks
from luthier.storage.blob import from_blob, to_blob

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = X[:, :1] * X[:, 1:2]


def compiled() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def test_a_restored_model_takes_the_same_steps():
    model = compiled()
    model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    state = from_blob(to_blob(frameworks.keeper([model]).take()))
    other = compiled()
    frameworks.keeper([other]).restore(state)
    for one in (model, other):
        one.fit(X, Y, epochs=1, shuffle=False, verbose=0)
    for mine, its in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_an_objective_of_keras_pauses_and_resumes(tmp_path):
    began = []

    def objective(trial):
        model = compiled()
        model.optimizer.learning_rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        trial.watch(model)
        began.append((trial.number, trial.start_step))
        for epoch in range(trial.start_step, 4):
            loss = model.fit(X, Y, verbose=0).history["loss"][0]
            trial.report(loss, epoch)
            if trial.should_prune():
                raise luthier.Pruned
        return loss

    study = luthier.tune(objective, budget="20 epochs", storage=f"sqlite:///{tmp_path}/s.db")
    assert study.history.epochs == 20
    assert any(step for _, step in began)
