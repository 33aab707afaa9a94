"""What hidden layers put out for a few rows, between two epochs: the share of saturated values."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.calls import Calls, activation_of
from luthier.frameworks.keras.watching_steps import short

Array = NDArray[Any]
ROWS = 64
LAYERS = 32
EDGE = 0.99  # of tanh, and of 2 sigmoid - 1: the slope there is a fiftieth of its highest


def saturating(model: Any) -> list[Any]:
    """Return the layers whose values can saturate, but for the last layer of all."""
    layers = [one for one in model._flatten_layers(include_self=False) if not _holds(one)]
    return [one for one in layers[:-1] if activation_of(one) in ("tanh", "sigmoid")][:LAYERS]


def saturated(model: Any, rows: Array) -> dict[str, float]:
    """Return the share of saturated values of each such layer; nothing of the model changes.

    Args:
        model: The model; its weights must be in place, as they are between epochs.
        rows: Inputs.
    """
    found = {id(one): one for one in saturating(model)}
    shares: dict[str, float] = {}
    with keras.StatelessScope(), Calls() as calls:
        model(keras.ops.convert_to_tensor(rows), training=False)
    for layer, output in calls.made:
        if id(layer) in found and short(layer.path, model) not in shares:
            values = np.asarray(keras.ops.convert_to_numpy(output), np.float32)
            if activation_of(layer) == "sigmoid":
                values = 2.0 * values - 1.0
            shares[short(layer.path, model)] = float((np.abs(values) > EDGE).mean())
    return shares


def _holds(layer: Any) -> bool:
    """Tell a layer that is made of layers."""
    return any(True for _ in layer._flatten_layers(include_self=False))
