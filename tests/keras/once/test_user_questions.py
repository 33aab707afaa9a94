"""Questions about a Keras builder: rates, batch sizes, comparisons, refits, tuned baselines."""

import keras
import numpy as np
import pytest
from keras import layers

import luthier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)).astype("float32")
Y = (X[:, :3] + 0.3 * RNG.normal(size=(300, 3))).argmax(1)
EAGER = {"engine": "keras_eager"}


def build(width: "luthier.Int(4, 16)" = 8):
    model = keras.Sequential([layers.Dense(width, "relu"), layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def slow():
    model = keras.Sequential([layers.Dense(8, "relu"), layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy")
    return model


def test_a_rate_is_found():
    (found,) = luthier.lr(build, (X, Y), recipe={"epochs": 8}, seeds=2, **EAGER).optimizers
    assert 1e-3 < found.suggested < 0.3
    assert found.optimizer == "adam"


def test_a_batch_size_is_chosen_for_speed():
    found = luthier.batch(build, (X, Y), recipe={"epochs": 2}, scores=False, **EAGER)
    assert found.chosen in {one.size for one in found.sizes}


def test_two_builders_are_compared_each_with_what_it_was_compiled_with(tmp_path):
    found = luthier.compare(
        *(build, slow, (X, Y)),
        recipe={"epochs": 5},
        seeds=3,
        storage=f"sqlite:///{tmp_path}/c.db",
        **EAGER,
    )
    assert found.choice == "a"
    assert found.sentence.startswith("Take")


def test_one_question_is_answered(tmp_path):
    found = luthier.ask(
        *(build, (X, Y)),
        question="width",
        values=(4, 16),
        budget="24 epochs",
        recipe={"epochs": 4},
        storage=f"sqlite:///{tmp_path}/a.db",
        **EAGER,
    )
    assert str(found)
    assert found.value in (4, 16)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    study = luthier.tune(
        *(build, (X, Y)),
        budget="40 epochs",
        recipe={"epochs": 4},
        storage=f"sqlite:///{folder}/t.db",
        baseline_tuned=True,
        **EAGER,
    )
    study.export(folder / "out", refit=True)
    return study, folder


def test_a_tuned_baseline_keeps_the_network(tuned):
    study, _ = tuned
    baseline = study.storage.history(f"{study.name}-baseline")
    assert {trial.recipe.model["width"] for trial in baseline.trials} == {8}
    assert study.to_json()["proof"]["baseline_tuned"]


def test_a_refit_is_a_keras_model_too(tuned):
    _, folder = tuned
    model = keras.saving.load_model(folder / "out" / "refit" / "model.keras")
    assert model.predict(X[:4], verbose=0).shape == (4, 3)
