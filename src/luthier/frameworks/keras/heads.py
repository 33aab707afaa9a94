"""Networks that end in probabilities: training and metrics want logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

IDENTITY, LOG, LOGIT = "identity", "log", "logit"
_CLOSE = 1e-4
_TINY = 1e-7  # Keras' own bound of probabilities (`keras.config.epsilon`)


def take_off(model: Any, run: Callable[[], Any]) -> str:
    """Make a network return logits, or say what turns its outputs into them.

    A softmax or sigmoid that is the activation of the last layer is replaced by none, if outputs
    are then what they were before it. One that stands elsewhere stays, and its logarithm is taken.

    Args:
        model: The network; its last activation may be changed.
        run: Returns its outputs for a few rows, as an array of shape (rows, outputs).

    Returns:
        ``identity``, ``log`` or ``logit``, as `luthier.core.Captured.link` says.
    """
    layer = _last(model)
    name = activation_of(layer)
    if name is None:
        return IDENTITY
    before = run()
    if not _are_probabilities(before, name):
        return IDENTITY
    if hasattr(layer, "activation"):
        kept, layer.activation = layer.activation, keras.activations.linear
        if np.allclose(_squashed(run(), name), before, rtol=0, atol=_CLOSE):
            return IDENTITY
        layer.activation = kept
    return LOG if name == "softmax" else LOGIT


def ending(model: Any) -> str:
    """Return what turns a whole network's outputs into logits, by its last layer."""
    name = activation_of(_last(model))
    return {"softmax": LOG, "sigmoid": LOGIT}.get(name or "", IDENTITY)


def logits(outputs: Any, link: str) -> Any:
    """Return logits of an array of probabilities.

    >>> logits(np.array([[0.5, 0.5]]), "log").round(3).tolist()
    [[-0.693, -0.693]]
    """
    if link == IDENTITY:
        return outputs
    outputs = np.clip(outputs, _TINY, 1.0 if link == LOG else 1.0 - _TINY)
    return np.log(outputs) - (np.log1p(-outputs) if link == LOGIT else 0.0)


def activation_of(layer: Any) -> str | None:
    """Return softmax or sigmoid where a layer ends in one, else None."""
    if layer is None:
        return None
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    found = getattr(layer, "activation", None)
    for name in ("softmax", "sigmoid"):
        if found is getattr(keras.activations, name):
            return name
    return None


def _last(model: Any) -> Any:
    """Return the layer whose outputs a network returns, as far as that can be known."""
    if isinstance(model, keras.Sequential) or not hasattr(model, "operations"):
        layers: Sequence[Any] = model.layers
        layer = layers[-1] if layers else None
    else:
        outputs = model.outputs
        history = getattr(outputs[0], "_keras_history", None) if len(outputs) == 1 else None
        layer = history.operation if history is not None else None
    return _last(layer) if isinstance(layer, keras.Model) else layer


def _are_probabilities(outputs: Any, name: str) -> bool:
    inside = bool(((outputs >= 0) & (outputs <= 1)).all())
    return inside and (name == "sigmoid" or np.allclose(outputs.sum(1), 1.0, atol=1e-3))


def _squashed(outputs: Any, name: str) -> Any:
    if name == "sigmoid":
        return 1 / (1 + np.exp(-outputs))
    powers = np.exp(outputs - outputs.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
