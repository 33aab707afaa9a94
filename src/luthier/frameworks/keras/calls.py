"""Which layers a forward pass calls, in which order, and what they return."""

from __future__ import annotations

import threading
from typing import Any

import keras


class Calls:
    """Notes every call of a layer while it is open; Keras has no hooks for that.

    >>> model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, name="only")])
    >>> with Calls() as calls:
    ...     _ = model(keras.ops.ones((3, 2)))
    >>> [layer.name for layer, _ in calls.made][0]
    'only'
    """

    _lock = threading.RLock()

    def __init__(self) -> None:
        self.made: list[tuple[Any, Any]] = []

    def __enter__(self) -> Calls:
        self._lock.acquire()
        self._call = keras.layers.Layer.__call__
        made, plain, thread = self.made, self._call, threading.get_ident()

        def noted(layer: Any, *args: Any, **kwargs: Any) -> Any:
            output = plain(layer, *args, **kwargs)
            if threading.get_ident() == thread:
                made.append((layer, output))
            return output

        keras.layers.Layer.__call__ = noted
        return self

    def __exit__(self, *error: object) -> None:
        keras.layers.Layer.__call__ = self._call
        self._lock.release()


def activation_of(layer: Any) -> str:
    """Return the name of a layer's activation; ``linear`` for none, empty where it has no word.

    >>> activation_of(keras.layers.Dense(1, activation="relu"))
    'relu'
    >>> activation_of(keras.layers.Softmax())
    'softmax'
    """
    kind = type(layer).__name__
    if kind in ("ReLU", "Softmax", "LeakyReLU", "PReLU", "ELU"):
        return {"ReLU": "relu", "Softmax": "softmax"}.get(kind, kind.lower())
    if not hasattr(layer, "activation"):
        return ""
    activation = layer.activation
    if activation is None:
        return "linear"
    return str(getattr(activation, "__name__", type(activation).__name__.lower()))
