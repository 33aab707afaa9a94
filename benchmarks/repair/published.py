"""Published cases as networks and recipes.

A network keeps its last activation, and the loss takes its outputs, as a PyTorch program of the
same layers has it; where the two belong together (a softmax and a cross-entropy of its shares), the
activation is the loss's own, and is left out. What no recipe can say cannot go wrong in one, and
is not built: losses of one's own, targets on another scale (luthier scales them), shapes that
broadcast, labels that were permuted.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.check.cases import _data
from benchmarks.check.networks import Unbuildable, network
from benchmarks.repair.broken import Broken, Side

_OTHER = (
    "flip_sign", "broadcast", "ce_for_regression", "wrong_labels", "sum_loss", "over_scaled",
    "scaled_outputs", "unscaled_y",
)  # fmt: skip
_FOR_CLASSES = ("softmax", "sigmoid")
_MOST = 1500  # rows: a training on one core takes seconds


def published(row: dict[str, Any], folder: Path) -> Broken:
    """Build a case.

    Raises:
        Unbuildable: for what is not translated; its text says what.
    """
    for word in _OTHER:
        if word in row["id"]:
            raise Unbuildable(f"no recipe can say it: {word}")
    healthy = row.get("expected") == "negative"
    before, task = _side(row, folder)
    fixed = None if healthy else _fixed(row, folder, before, task)
    return Broken(row["id"], ", ".join(row["faults_source"]), task, before, fixed)


def _fixed(row: dict[str, Any], folder: Path, before: Side, task: str) -> Side:
    fix = row["fixed"]
    if "layers" in fix:
        # The fix keeps the case's name out of the way: data are made by what it says.
        return _side({**row, **fix, "id": "fixed"}, folder)[0]
    if "wrong_output_activation" in row["faults_canonical"]:
        return Side(partial(_net, layers=_plain_end(row["layers"]), shape=_shape(before.data[0])),
                    before.recipe, before.data)  # fmt: skip
    solutions = {"AT-demo-vanish": _relu, "AT-demo-oscillating": _calm}
    if row["id"] in solutions:
        return solutions[row["id"]](row, before)
    raise Unbuildable("no fix is published")


def _relu(row: dict[str, Any], before: Side) -> Side:
    """AutoTrainer's first solution of vanishing gradients: another activation, batch norm."""
    layers = [dict(one) for one in row["layers"]]
    made: list[dict[str, Any]] = []
    for one in layers[:-1]:
        made += [{**one, "activation": "selu"}, {"type": "BatchNormalization"}]
    build = partial(_net, layers=_end(made + layers[-1:], row), shape=_shape(before.data[0]))
    return Side(build, before.recipe, before.data)


def _calm(row: dict[str, Any], before: Side) -> Side:
    """AutoTrainer's solutions of an oscillating loss: larger batches, Adam."""
    recipe = {**before.recipe, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3}
    return Side(before.build, recipe, before.data)


def _side(row: dict[str, Any], folder: Path) -> tuple[Side, str]:
    layers = row["layers"]
    dense = [layer["units"] for layer in layers if layer["type"] == "Dense"]
    x, y = _data(row, layers, dense[-1], row["dataset"].get("how") or "", folder)
    x, y = _smaller(x[:_MOST]), y[:_MOST]
    loss = str(row["loss"]).lower().replace("_", "")
    classes = "crossentropy" in loss
    if not classes and not ("squared" in loss or loss == "mse"):
        raise Unbuildable(f"loss {loss}")
    if not classes and row["dataset"].get("kind") != "file":
        raise Unbuildable("squared error of classes")
    if not classes:
        y = y.reshape(-1)
    elif dense[-1] == 1 and len(set(y.tolist())) > 2:
        raise Unbuildable("one unit for several classes")
    elif dense[-1] > 1 and int(y.max()) + 1 != dense[-1]:
        raise Unbuildable("other classes than units")
    ended = _end(layers, row)
    build = partial(_net, layers=ended, shape=_shape(x))
    # Layers are asked for here, so that what cannot be built is told at once.
    network(ended, x.shape[1:])
    kind = "classification" if classes else "regression"
    return Side(build, _recipe(row, layers), (x, y)), kind


def _smaller(x: Any) -> Any:
    """Return images of 28 x 28 at half their size: the same network trains five times as fast."""
    if x.ndim != 4 or x.shape[2:] != (28, 28):
        return x
    return x.reshape(len(x), x.shape[1], 14, 2, 14, 2).mean((3, 5))


def _net(layers: list[dict[str, Any]] = (), shape: tuple[int, ...] = ()) -> nn.Module:  # type: ignore[assignment]
    return network(layers, shape)


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(x.shape[1:])


def _end(layers: list[dict[str, Any]], row: dict[str, Any]) -> list[dict[str, Any]]:
    """Leave the last activation out where the loss applies it, as every recipe's loss does."""
    name = layers[-1].get("activation") or "linear"
    units = [layer["units"] for layer in layers if layer["type"] == "Dense"][-1]
    loss = str(row["loss"]).lower()
    goes = "crossentropy" in loss.replace("_", "") and (
        (name == "softmax" and units > 1) or (name == "sigmoid" and units == 1)
    )
    if row.get("expected") == "negative" and name in _FOR_CLASSES:
        goes = True  # several sigmoids, whose shares Keras' loss makes: healthy as they are
    if name == "linear" and "entropy" in loss:
        raise Unbuildable("a linear last layer is what a recipe's loss takes")
    return _plain_end(layers) if goes else layers


def _plain_end(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if layers[-1]["type"] == "Activation":
        return layers[:-1]
    return [*layers[:-1], {**layers[-1], "activation": "linear"}]


def _recipe(row: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    given = row["optimizer"]
    raw = str(given.get("raw") or given.get("name")).lower()
    rate = given.get("lr") or (re.findall(r"learning_rate=([\d.e-]+)", raw) or [None])[0]
    factors = [layer["l2"] for layer in layers if isinstance(layer.get("l2"), float)]
    recipe: dict[str, Any] = {
        "epochs": int(row["epochs"]) if str(row["epochs"]).isdigit() else 20,
        "batch_size": row["batch_size"],
        "schedule": "constant",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "l2": factors[0] if factors else 0.0,
        "preprocessing": "none",
        "dropout": None,
    }
    if "sgd" in raw:
        momentum = given.get("momentum") or 0.0
        kind = {"optimizer": "momentum", "momentum": momentum} if momentum else {"optimizer": "sgd"}
        return {**recipe, **kind, "learning_rate": float(rate or 0.01)}
    if "rmsprop" in raw:
        kind = {"optimizer": "rmsprop", "beta2": 0.9, "epsilon": 1e-7}
        return {**recipe, **kind, "learning_rate": float(rate or 1e-3)}
    if "adagrad" in raw:
        return {**recipe, "optimizer": "adagrad", "learning_rate": float(rate or 1e-3)}
    if "see train" in raw:
        raise Unbuildable("its optimizer is not told")
    return {
        **recipe,
        "optimizer": "adam",
        "learning_rate": float(rate or 1e-3),
        "beta1": given.get("beta_1") or 0.9,
        "beta2": given.get("beta_2") or 0.999,
        "epsilon": given.get("epsilon") or 1e-7,
    }
