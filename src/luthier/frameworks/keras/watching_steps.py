"""What one step of a Keras model showed: norms, update ratios, units that got no gradient."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.watching_gradients import Slot, is_plain, of_update, slot_of
from luthier.frameworks.keras.watching_state import State, copied

Array = NDArray[Any]
TENSORS = 48  # of more, evenly chosen ones are measured
HUGE = 1e100  # beyond it squares overflow
STREAK = 12  # looks without any gradient after which a unit counts as dead
_UNITS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "BatchNormalization")


class Steps:
    """Measures a model before and after a step.

    Args:
        model: The model, built and compiled.
        state: Where its numbers are.
    """

    def __init__(self, model: Any, state: State) -> None:
        self._state = state
        weights = list(model.trainable_variables)
        places = {id(one): i for i, one in enumerate(weights)}
        kernels = [(one.path, i) for i, one in enumerate(weights) if len(one.shape) >= 2]
        self._kernels = _some(kernels or [(one.path, i) for i, one in enumerate(weights)])
        self._sizes = {n: math.prod(weights[i].shape) for n, i in self._kernels}
        optimizer = state.optimizer
        self._slot: Slot | None = slot_of(optimizer)
        self._plain = self._slot is None and is_plain(optimizer)
        self._slots: dict[int, int] = {}
        if self._slot is not None:
            kept = getattr(optimizer, self._slot.name)
            for index, variable in enumerate(optimizer._trainable_variables):
                place, own = places.get(id(variable)), kept[index]
                number = None if own is None else state.slot_number(own)
                if place is not None and number is not None:
                    self._slots[place] = number
        layers = [
            (one.path, places[id(bias)])
            for one in model._flatten_layers(include_self=False)
            if type(one).__name__ in _UNITS
            and (bias := getattr(one, "bias", getattr(one, "beta", None))) is not None
            and id(bias) in places
        ]
        fades = self._slot is not None and self._slot.forgets
        # The outputs of classes that a batch does not hold may underflow to no gradient.
        self._units = _some(layers[:-1]) if fades or self._plain else []
        self._streaks: dict[str, Array] = {}
        self._looks = 0

    @property
    def gradients_seen(self) -> bool:
        """Whether the optimizer gives its gradients back."""
        return self._slot is not None or self._plain

    def read(self) -> tuple[dict[int, Array], dict[int, Array]]:
        """Return copies of weights and of what the optimizer keeps, by the weight's place."""
        weights = self._state.weights()
        wanted = [i for _, i in self._kernels]
        biases = [i for _, i in self._units]
        now = {i: copied(weights[i]) for i in (*wanted, *(biases if self._plain else ()))}
        if not self._slots:
            return now, {}
        slots = self._state.slots()
        kept = {i: copied(slots[self._slots[i]]) for i in (*wanted, *biases) if i in self._slots}
        return now, kept

    def compare(
        self,
        before: tuple[dict[int, Array], dict[int, Array]],
        after: tuple[dict[int, Array], dict[int, Array]],
        row: dict[str, Any],
        rate: float,
    ) -> None:
        """Write what changed from one read to the next: one step lies between them."""
        square, known = 0.0, False
        grads = self._gradients(before, after, rate)
        for name, place in self._kernels:
            was, now = before[0][place], after[0][place]
            size = _mean(was)
            row[f"weight_norm/{name}"] = size
            row[f"update_ratio/{name}"] = _mean(now - was) / size if size > 0.0 else math.nan
            if place in grads:
                value = _mean(grads[place])
                row[f"gradient_norm/{name}"] = value
                square += value**2 * self._sizes[name] if abs(value) < HUGE else math.inf
                known = True
        if known:
            row["gradient_norm"] = math.sqrt(square)
        self._look_at_units(before, grads, row)

    def _gradients(self, before: Any, after: Any, rate: float) -> dict[int, Array]:
        if self._plain and rate > 0.0:
            return {i: of_update(was, after[0][i], rate) for i, was in before[0].items()}
        if self._slot is None:
            return {}
        optimizer = self._state.optimizer
        return {
            i: self._slot.gradient(was, after[1][i], optimizer, rate)
            for i, was in before[1].items()
        }

    def _look_at_units(self, before: Any, grads: dict[int, Array], row: dict[str, Any]) -> None:
        self._looks += 1
        for name, place in self._units:
            if place not in grads:
                continue
            if self._slot is not None:
                zero = self._slot.is_zero(grads[place], before[1][place])
            else:
                zero = grads[place] == 0
            streak = self._streaks.get(name, np.zeros(zero.shape, int))
            self._streaks[name] = streak = (streak + 1) * zero
            if self._looks >= STREAK:
                row[f"dead_units/{name}"] = float((streak >= STREAK).mean())


def _some(pairs: list[Any]) -> list[Any]:
    if len(pairs) <= TENSORS:
        return pairs
    return [pairs[round(i * (len(pairs) - 1) / (TENSORS - 1))] for i in range(TENSORS)]


def _mean(values: Array) -> float:
    """Return the root mean square."""
    flat = values.reshape(-1)
    if flat.dtype.kind != "f" or flat.dtype.itemsize < 4:
        flat = flat.astype(np.float32)
    return math.sqrt(float(np.dot(flat, flat)) / max(flat.size, 1))


def is_float(dtype: str) -> bool:
    """Tell whether numbers of a type can be measured."""
    return bool(keras.backend.is_float_dtype(dtype))
