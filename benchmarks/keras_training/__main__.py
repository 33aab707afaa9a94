"""What an epoch of a Keras network takes in `model.fit` and in luthier's engines, on one core.

``KERAS_BACKEND=tensorflow python -m benchmarks.keras_training`` prints a table. Times
are of the CPU, of all processes that take part, since a busy machine stretches the others; rounds
alternate, and medians are shown.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library counts cores

import keras
from keras import layers

from luthier import engines
from luthier.core import Arrays, Captured, Engine, Recipe
from luthier.data import SplitPlan
from luthier.frameworks.keras.framework import KerasFramework
from luthier.loop.assembly import assemble

EPOCHS = 16  # of one call: as many as an engine is asked for at once


@dataclass(frozen=True)
class Case:
    """A network, and the rows of a step."""

    name: str
    build: Callable[..., Any]
    batch_size: int = 32


def compiled(model: Any) -> Any:
    """Return a network, compiled as in most tutorials."""
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def dense(n_features: int, n_outputs: int) -> Any:
    """Return a small dense network."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Dense(128, activation="relu"),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def dropping(n_features: int, n_outputs: int) -> Any:
    """Return a dense network with batch norm and dropout."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Dense(128),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Dropout(0.2),
                layers.Dense(64, activation="relu"),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def wide(n_features: int, n_outputs: int) -> Any:
    """Return a wide dense network."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Dense(512, activation="relu"),
                layers.Dense(512, activation="relu"),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def convolutional(n_features: int, n_outputs: int) -> Any:
    """Return a small convolutional network."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Reshape((8, 8, 1)),
                layers.Conv2D(16, 3, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(64, activation="relu"),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def recurrent(n_features: int, n_outputs: int) -> Any:
    """Return an LSTM over the rows of an image."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Reshape((8, 8)),
                layers.LSTM(32),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def gated(n_features: int, n_outputs: int) -> Any:
    """Return a GRU over the rows of an image, with dropout."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((n_features,)),
                layers.Reshape((8, 8)),
                layers.GRU(32, dropout=0.1),
                layers.Dense(n_outputs, activation="softmax"),
            ]
        )
    )


def attending(n_features: int, n_outputs: int) -> Any:
    """Return a block of a transformer over the rows of an image."""
    inputs = keras.Input((n_features,))
    x = layers.Dense(32)(layers.Reshape((8, 8))(inputs))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 8, dropout=0.1)(x, x))
    x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="relu")(x)))
    x = layers.GlobalAveragePooling1D()(x)
    return compiled(keras.Model(inputs, layers.Dense(n_outputs, activation="softmax")(x)))


CASES = (
    Case("dense 64-128-10", dense),
    Case("dense 64-128-10", dense, 128),
    Case("batch norm, dropout", dropping),
    Case("wide 512-512", wide),
    Case("convolution", convolutional),
    Case("LSTM 32", recurrent),
    Case("GRU 32, dropout", gated),
    Case("attention 32", attending),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of a network's name")
    options = parser.parse_args()
    print(f"{keras.config.backend()}, Keras {keras.__version__}, ms an epoch of the CPU")
    head = ("network", "batch", "fit", "keras_eager", "compiled", "fit/eager", "fit/compiled")
    print(("{:22}" + "{:>8}" + "{:>13}" * 5).format(*head))
    kept = {"eager": engines.load("keras_eager"), "compiled": engines.load("compiled", "keras")}
    for case in (case for case in CASES if options.only in case.name):
        told = [1e3 * seconds for seconds in measured(case, kept, options.rounds)]
        fit, eager, fast = told
        row = [f"{x:.1f}" for x in told] + [f"{fit / eager:.1f}", f"{fit / fast:.1f}"]
        print(("{:22}{:>8}" + "{:>13}" * 5).format(case.name, case.batch_size, *row), flush=True)


def measured(case: Case, kept: dict[str, Engine], rounds: int) -> tuple[float, ...]:
    """Return the seconds of an epoch: of fit, of the reference and of the compiled engine."""
    parts = assemble(
        case.build, "digits", recipe={"batch_size": case.batch_size}, split=SplitPlan(seed=0)
    )
    framework, recipe, arrays = KerasFramework(), parts.recipe, parts.arrays
    captured = framework.capture(parts.build, recipe, arrays, 0)
    model = framework.restore(parts.build, recipe, arrays.task, captured.initial)
    runs = [lambda: fitted(model, arrays, case.batch_size)]
    runs += [trained(engine, captured, arrays, recipe) for engine in kept.values()]
    for run in runs:
        run()  # traces, compiles, gets memory
    times = [[run() for run in runs] for _ in range(rounds)]
    return tuple(statistics.median(column) for column in zip(*times, strict=True))


def fitted(model: Any, arrays: Arrays, batch_size: int, epochs: int = 16) -> float:
    """Return what an epoch of `fit` takes, with a validation part as luthier's engines have."""
    begun = time.process_time()
    model.fit(
        arrays.train.inputs[0],
        arrays.train.target,
        batch_size=batch_size,
        epochs=epochs,
        validation_data=(arrays.val.inputs[0], arrays.val.target),
        verbose=0,
    )
    return (time.process_time() - begun) / epochs


def trained(
    engine: Engine, captured: Captured, arrays: Arrays, recipe: Recipe
) -> Callable[[], float]:
    """Return what measures an engine."""
    long = recipe.replace({"epochs": 10_000})

    def run() -> float:
        engine.open(captured, arrays)
        engine.put(0, long, 0, captured.initial)
        engine.run({0: 1})
        begun = engine.clock()
        engine.run({0: 1 + EPOCHS})
        return (engine.clock() - begun) / EPOCHS

    return run


if __name__ == "__main__":
    main()
