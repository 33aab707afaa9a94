"""A model as a function of its weights: what is tried on copies of them leaves the model alone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Function = Callable[[Any], Any]
_lock = threading.RLock()


class Net:
    """A built model, called with weights that are handed in.

    Args:
        model: The user's.
        weights: Trainable weights and other variables to call it with; those that it has by
            default.
    """

    def __init__(
        self, model: Any, weights: tuple[Sequence[Array], Sequence[Array]] | None = None
    ) -> None:
        self.model = model
        own = model.trainable_variables, model.non_trainable_variables
        held = weights or ([np.array(v.numpy()) for v in part] for part in own)
        self.weights, self.others = (list(part) for part in held)
        self.layers = [
            one for one in model._flatten_layers(include_self=False)
            if not list(one._flatten_layers(include_self=False))
        ]  # fmt: skip
        self.dropouts = [one for one in self.layers if type(one).__name__.endswith("Dropout")]

    def call(
        self,
        weights: Sequence[Any],
        others: Sequence[Any],
        inputs: Sequence[Any],
        *,
        training: bool,
    ) -> tuple[Any, list[Any], list[Any]]:
        """Return outputs, what the layers' states have become, and the penalties.

        Weights beyond the model's own are left alone.
        """
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        how = {"training": training} if self.model._call_has_training_arg else {}
        outputs, state, losses = self.model.stateless_call(
            list(weights[: len(self.weights)]), list(others), x, return_losses=True, **how
        )
        return outputs, list(state), list(losses)

    @contextlib.contextmanager
    def changed(
        self, instead: Sequence[tuple[Any, Function]] = (), *, dropout: bool = False
    ) -> Iterator[None]:
        """Call layers with other activations, and without dropout, within a block.

        Args:
            instead: Layers, and what they apply instead of their activation; `skip` leaves the
                layer out.
            dropout: Whether layers that drop values do.
        """
        bypassed: dict[int, Function] = {}
        if not dropout:
            bypassed = {id(one): (lambda x: x) for one in self.dropouts}
        kept: list[tuple[Any, Any]] = []
        with _lock:
            plain = keras.layers.Layer.__call__
            for layer, function in instead:
                if "activation" in layer.__dict__ and function is not skip:
                    kept.append((layer, layer.__dict__["activation"]))
                    layer.__dict__["activation"] = function
                else:
                    bypassed[id(layer)] = function

            def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
                other = bypassed.get(id(layer))
                return plain(layer, *args, **kwargs) if other is None else other(args[0])

            keras.layers.Layer.__call__ = called
            try:
                yield
            finally:
                keras.layers.Layer.__call__ = plain
                for layer, function in kept:
                    layer.__dict__["activation"] = function


def identity(x: Any) -> Any:
    """Leave an activation out."""
    return x


def skip(x: Any) -> Any:
    """Leave a whole layer out."""
    return x


def tensors(arrays: Sequence[Array]) -> list[Any]:
    """Return arrays as tensors of the backend."""
    return [keras.ops.convert_to_tensor(one) for one in arrays]


def array(tensor: Any) -> Array:
    """Return a tensor as an array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))
