"""Where the numbers of a Keras model are while it trains.

On the JAX backend they leave the model for the time of an epoch, and their buffers are given away
with the next step: what is read here is copied at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SLICED = 4_000_000  # numbers of a tensor from which on it is sliced before it is copied
_VARIABLE = "ResourceVariable"  # TensorFlow's, where it is not spread over devices
NUMBERS = 16384  # of a larger tensor, evenly chosen rows are measured


class State:
    """Reads a model's weights and its optimizer's numbers between two steps.

    Args:
        model: A model that is being trained by `fit`.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._backend = keras.backend.backend()

    @property
    def optimizer(self) -> Any:
        """The optimizer that holds the slots; a wrapper that scales the loss holds another one."""
        return inner_optimizer(self._model.optimizer)

    def weights(self) -> Sequence[Any]:
        """Return the trainable weights as the backend has them, in the model's order."""
        away = self._away()
        if away is not None:
            return list(away["trainable_variables"])
        return [one.value for one in self._model.trainable_variables]

    def others(self) -> Sequence[Any]:
        """Return the other variables of the model, in its order."""
        away = self._away()
        if away is not None:
            return list(away["non_trainable_variables"])
        return [one.value for one in self._model.non_trainable_variables]

    def metrics(self) -> Sequence[Any]:
        """Return the variables of the metrics, in their order."""
        away = self._away()
        if away is not None:
            return list(away["metrics_variables"])
        return [one.value for one in self._model.metrics_variables]

    def slots(self) -> Sequence[Any]:
        """Return the optimizer's numbers, in the order of its ``variables``."""
        away = self._away()
        if away is not None:
            return list(away["optimizer_variables"])
        return [one.value for one in self._model.optimizer.variables]

    def slot_number(self, variable: Any) -> int | None:
        """Return a variable's place in `slots`; None for one that is not the optimizer's."""
        places = {id(one): i for i, one in enumerate(self._model.optimizer.variables)}
        return places.get(id(variable))

    def _away(self) -> dict[str, Any] | None:
        """Return the state of an epoch that goes on, on the JAX backend."""
        if self._backend != "jax" or getattr(self._model, "_jax_state_synced", True):
            return None
        state: dict[str, Any] | None = getattr(self._model, "_jax_state", None)
        return state


def inner_optimizer(optimizer: Any) -> Any:
    """Return the optimizer within one that scales the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def copied(tensor: Any, most: int = NUMBERS) -> Array:
    """Return a tensor's numbers as an array of its own: evenly chosen rows of a large one."""
    size = math.prod(tensor.shape)
    rows = int(tensor.shape[0]) if len(tensor.shape) else 1
    step = min(math.ceil(size / most), rows) if most and rows > 1 else 1
    backend = keras.backend.backend()
    if isinstance(tensor, np.ndarray):
        return np.array(tensor[::step] if step > 1 else tensor)
    if backend == "torch":
        found = tensor.detach()[::step] if step > 1 else tensor.detach()
        found = found.cpu() if found.dtype.itemsize > 2 else found.float().cpu()
        return np.array(found.numpy())
    if backend == "jax":  # on the CPU the array is a view, and slicing it costs nothing
        whole = np.asarray(tensor)
        return np.array(whole[::step] if step > 1 else whole)
    if size > SLICED:
        return np.array(tensor[::step])
    found = _of_tensorflow(tensor)  # of its own; to slice a tensor costs more than to copy it
    return np.array(found[::step]) if step > 1 else np.asarray(found)


def number(value: Any) -> float:
    """Return a scalar of any backend as a float: 0.001 for the float32 nearest to it."""
    if isinstance(value, (int, float)):
        return float(value)
    if keras.backend.backend() == "tensorflow" and type(value).__name__ == _VARIABLE:
        found = np.asarray(_of_tensorflow(value))
    else:
        found = np.asarray(keras.ops.convert_to_numpy(value))
    return float(str(found)) if found.dtype == np.float32 else float(found)


def _of_tensorflow(tensor: Any) -> Array:
    """Return a copy: of a variable by the bare operation, a quarter of what `numpy` takes."""
    if type(tensor).__name__ != _VARIABLE:
        return tensor.numpy()  # type: ignore[no-any-return]
    import tensorflow as tf

    read = tf.raw_ops.ReadVariableOp(resource=tensor.handle, dtype=tensor.dtype)
    return read.numpy()  # type: ignore[no-any-return]
