"""Published cases as what they are: Keras models, compiled and fitted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.check import cases as published
from benchmarks.check.networks import Unbuildable

layers = keras.layers


@dataclass
class Case:
    """A compiled model, its rows, and what is wrong with it."""

    name: str
    healthy: bool
    mild: bool
    problems: set[str]
    model: Any
    x: np.ndarray
    y: np.ndarray
    epochs: int
    batch_size: int


def case(row: dict[str, Any], folder: Path) -> Case:
    """Build a case.

    Raises:
        Unbuildable: for what is not translated; its text says what.
    """
    keras.utils.set_random_seed(0)
    how, given = row["dataset"].get("how") or "", row["layers"]
    units = [layer["units"] for layer in given if layer["type"] == "Dense"][-1]
    x, y = published._data(row, given, units, how, folder)
    if given[0]["type"].startswith("Conv"):
        x = np.moveaxis(x, 1, -1)  # channels last, as Keras has them
    model = keras.Sequential([layers.Input(x.shape[1:]), *map(_layer, given)])
    loss, y = _loss(row, y, units)
    model.compile(_optimizer(row["optimizer"]), loss)
    problems: set[str] = set()
    for name in row["faults_canonical"]:
        problems |= published.NAMES.get(name, {name})
    return Case(
        row["id"],
        row.get("expected") == "negative",
        any(one in row["id"] for one in published.MILD),
        problems,
        model,
        x,
        y,
        int(row["epochs"]) if str(row["epochs"]).isdigit() else 20,
        row["batch_size"],
    )


def _layer(given: dict[str, Any]) -> Any:
    kind, args = given["type"], given.get("args") or []
    activation = given.get("activation") or "linear"
    if kind == "Dense":
        factor = given.get("l2")
        penalty = keras.regularizers.L2(factor) if isinstance(factor, float) else None
        return layers.Dense(given["units"], activation, kernel_initializer=_start(given),
                            kernel_regularizer=penalty)  # fmt: skip
    if kind.startswith("Conv"):
        size = given.get("kernel") or given.get("kernel_size") or args[1]
        return getattr(layers, kind)(
            given.get("filters") or args[0], _tuple(size), activation=activation,
            padding=given.get("padding") or "valid", kernel_initializer=_start(given),
        )  # fmt: skip
    if kind.startswith("MaxPool"):
        size = given.get("pool") or given.get("pool_size") or (args[0] if args else 2)
        return getattr(layers, f"MaxPooling{kind[-2]}D")(_tuple(size), given.get("strides"))
    if kind == "LSTM":
        return layers.LSTM(given["units"])
    if kind == "Dropout":
        return layers.Dropout(given["rate"])
    if kind == "Activation":
        return layers.Activation(activation)
    if kind in ("Flatten", "BatchNormalization", "GlobalAveragePooling1D", "Masking"):
        return getattr(layers, kind)()
    raise Unbuildable(kind)


def _tuple(size: Any) -> Any:
    return tuple(size) if isinstance(size, list) else size


def _start(given: dict[str, Any]) -> Any:
    how = str(given.get("init") or given.get("kernel_initializer") or "glorot_uniform")
    numbers = [float(one) for one in re.findall(r"\d+\.?\d*", how.partition("(")[2])]
    if how.startswith("constant"):
        return keras.initializers.Constant(numbers[0])
    if how.startswith("random_normal"):
        return keras.initializers.RandomNormal(*numbers)
    if how.startswith("variance_scaling"):
        return "he_uniform"
    names = {"uniform": "random_uniform", "normal": "random_normal"}
    return names.get(how, how)


def _loss(row: dict[str, Any], y: np.ndarray, units: int) -> tuple[Any, np.ndarray]:
    """Return a loss as the program has it, and the targets that it takes."""
    name, last = str(row["loss"]), row["layers"][-1].get("activation")
    lower = name.lower().replace("_", "")
    numbers = y.astype("float32").reshape(len(y), -1)
    hot = numbers
    if row["dataset"].get("kind") != "file" and units > 1:
        hot = np.eye(max(units, int(y.max()) + 1), dtype="float32")[y.astype(int)]
    if "broadcast" in row["id"]:
        return _broadcast, numbers[:, 0]
    loss: Any
    if "fromlogits=true" in lower:
        loss, target = keras.losses.SparseCategoricalCrossentropy(from_logits=True), y
    elif lower.startswith("custom"):
        loss, target = _custom, numbers
    elif "crossentropy" in lower and "binary" not in lower:
        summed = "sum" in lower and last != "linear" and units > 1
        reduction = "sum" if summed else "sum_over_batch_size"
        loss, target = keras.losses.CategoricalCrossentropy(reduction=reduction), hot
    elif "binary" in lower:
        loss, target = "binary_crossentropy", numbers
    elif "poisson" in lower:
        loss, target = "poisson", hot
    else:
        reduction = "sum" if "sum" in lower else "sum_over_batch_size"
        loss, target = keras.losses.MeanSquaredError(reduction=reduction), hot
    if "flip_sign" in row["id"]:
        plain = keras.losses.get(loss)
        return (lambda y_true, y_pred: -plain(y_true, y_pred)), target
    return loss, target


def _broadcast(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.square(keras.ops.reshape(y_true, (-1,)) - y_pred))


def _custom(y_true: Any, y_pred: Any) -> Any:
    return -keras.ops.sum(y_true * keras.ops.log(keras.ops.clip(y_pred, 1e-10, 1.0)), 1)


def _optimizer(given: dict[str, Any]) -> Any:
    raw = str(given.get("raw") or given.get("name"))
    rate = given.get("lr") or (re.findall(r"learning_rate=([\d.e-]+)", raw) or [None])[0]
    lower = raw.lower()
    if "sgd" in lower:
        return keras.optimizers.SGD(float(rate or 0.01), momentum=float(given.get("momentum") or 0))
    if "rmsprop" in lower:
        return keras.optimizers.RMSprop(float(rate or 0.001))
    if "adagrad" in lower:
        return keras.optimizers.Adagrad(float(rate or 0.001))
    return keras.optimizers.Adam(
        float(rate or 1e-3), given.get("beta_1") or 0.9, given.get("beta_2") or 0.999,
        given.get("epsilon") or 1e-7,
    )  # fmt: skip
