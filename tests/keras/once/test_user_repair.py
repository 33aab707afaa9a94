"""Repairs of Keras networks, for real: what is broken is mended, proven and handed over."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

import luthier

X, Y = load_digits(return_X_y=True)
DIGITS = (X[:900].astype("float32"), Y[:900])
CHEAP = {"seconds": 3, "engine": "keras_eager", "storage": "sqlite://"}
NET = """
import keras
from keras import layers


def build(hp):
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(hp.Int("units", 64, 128, step=64), activation="relu"),
            layers.Dense(10, activation="relu"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss)
    return model
"""


def rated(rate: float):
    """Return a builder of a sound network with a rate."""

    def build():
        model = keras.Sequential(
            [layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")]
        )
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        return model

    return build


def command(*words: str, folder: Path) -> str:
    code = "from luthier.apps.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_rate_that_is_far_too_high_is_lowered_and_proven():
    found = luthier.repair(rated(0.5), DIGITS, recipe={"epochs": 8}, **CHEAP)
    assert found.outcome == "repaired"
    assert found.verdict.verdict == "better"
    assert found.recipe.learning_rate <= 0.05
    settings = {key: pair for one in found.changes for key, pair in one.settings.items()}
    assert settings["learning_rate"][0] == 0.5
    assert all(old != new for old, new in settings.values())
    assert np.mean(found.found.after) < 0.3 * np.mean(found.found.before)
    shares = found.model().predict(X[:4].astype("float32"), verbose=0)
    assert shares.shape == (4, 10)


def test_a_healthy_network_is_left_alone():
    found = luthier.repair(rated(0.003), DIGITS, recipe={"epochs": 8}, **CHEAP)
    assert (found.outcome, found.changes) == ("healthy", ())


@pytest.fixture(scope="module")
def mended(tmp_path_factory) -> tuple[Path, dict]:
    """A last ReLU before a loss of logits, in KerasTuner's style, repaired on the command line."""
    folder = tmp_path_factory.mktemp("repair")
    (folder / "net.py").write_text(NET, encoding="utf-8")
    (folder / "recipe.yaml").write_text("epochs: 8\nnetwork: net.py:build\n", encoding="utf-8")
    words = ["repair", "digits", "--recipe", "recipe.yaml", "--out", "out", "--json"]
    return folder, json.loads(command(*words, "--engine", "keras_eager", folder=folder))


def test_an_edit_is_made_and_printed_as_a_line_to_paste(mended):
    _, told = mended
    assert told["outcome"] == "repaired"
    assert told["changes"][0]["problem"] == "wrong_output_activation"
    line = "network.layers[1].activation = keras.activations.linear"
    assert told["changes"][0]["code"] == [line]
    assert told["recipe"]["network"] == "net_repaired.py:build_repaired"


def test_the_edited_network_is_handed_over_and_trains_again(mended):
    folder, _ = mended
    names = {file.name for file in (folder / "out").iterdir()}
    assert names >= {"recipe.yaml", "net_repaired.py", "train.py", "model.keras", "report.html"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras.saving.load_model(folder / "out" / "model.keras")
    assert model.layers[-1].activation is keras.activations.linear
    again = command("train", "digits", "--recipe", "out/recipe.yaml", folder=folder)
    assert "the same, bit for bit" in again
    done = subprocess.run(
        [sys.executable, "train.py"], capture_output=True, text=True, cwd=folder / "out"
    )
    assert done.returncode == 0, done.stderr
