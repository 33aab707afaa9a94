"""What one step of a Keras model showed: norms, update ratios, units that got no gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.watching_gradients import (
    SMALLEST,
    Slot,
    is_plain,
    of_update,
    resolved,
    slot_of,
)
from luthier.frameworks.keras.watching_state import State, copied

Array = NDArray[Any]
TENSORS = 48  # of more, evenly chosen ones are measured
HUGE = 1e100  # beyond it squares overflow
STREAK = 12  # looks without any gradient after which a unit counts as dead
_UNITS = ("Dense", "Conv1D", "Conv2D", "Conv3D", "BatchNormalization")


@dataclass
class Streaks:
    """For how many looks in a row units got no gradient; kept from one `fit` to the next."""

    looks: int = 0
    by_layer: dict[str, Array] = field(default_factory=dict)


class Steps:
    """Measures a model before and after a step.

    Args:
        model: The model, built and compiled.
        state: Where its numbers are.
        streaks: Of an earlier `fit` of the same training.
    """

    def __init__(self, model: Any, state: State, streaks: Streaks) -> None:
        self._state, self._streaks = state, streaks
        weights = list(model.trainable_variables)
        places = {id(one): i for i, one in enumerate(weights)}
        named = [(short(one.path, model), i) for i, one in enumerate(weights)]
        kernels = [(name, i) for name, i in named if len(weights[i].shape) >= 2]
        self._kernels = _some(kernels or named)
        self._sizes = {n: math.prod(weights[i].shape) for n, i in self._kernels}
        self._slot: Slot | None = slot_of(state.optimizer)
        self._plain = self._slot is None and is_plain(state.optimizer)
        self._places, self._slots = places, dict[int, int]()
        layers = [
            (short(one.path, model), places[id(bias)])
            for one in model._flatten_layers(include_self=False)
            if type(one).__name__ in _UNITS
            and (bias := getattr(one, "bias", getattr(one, "beta", None))) is not None
            and id(bias) in places
        ]
        fades = self._slot is not None and self._slot.forgets
        # The outputs of classes that a batch does not hold may underflow to no gradient.
        self._units = _some(layers[:-1]) if fades or self._plain else []
        # Where nothing arrives at the last layer, the loss is to blame, and no unit is dead.
        self._last = layers[-1][1] if layers and self._units else None

    @property
    def gradients_seen(self) -> bool:
        """Whether the optimizer gives its gradients back."""
        return self._slot is not None or self._plain

    def read(self) -> tuple[dict[int, Array], dict[int, Array]]:
        """Return copies of weights and of what the optimizer keeps, by the weight's place."""
        weights = self._state.weights()
        wanted = [i for _, i in self._kernels]
        biases = [i for _, i in self._units]
        biases += [] if self._last is None else [self._last]
        now = {i: copied(weights[i]) for i in (*wanted, *(biases if self._plain else ()))}
        if self._slot is not None and not self._slots:
            self._find()
        if not self._slots:
            return now, {}
        slots = self._state.slots()
        kept = {i: copied(slots[self._slots[i]]) for i in (*wanted, *biases) if i in self._slots}
        return now, kept

    def _find(self) -> None:
        """Find where the optimizer keeps what; it may be built by its first step alone."""
        optimizer = self._state.optimizer
        kept = getattr(optimizer, self._slot.name, None) if self._slot is not None else None
        if not kept:
            return
        for index, variable in enumerate(optimizer._trainable_variables):
            place, own = self._places.get(id(variable)), kept[index]
            number = None if own is None else self._state.slot_number(own)
            if place is not None and number is not None:
                self._slots[place] = number

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
        if rate <= SMALLEST:
            return {}
        if self._plain:
            return {
                i: of_update(was, after[0][i], rate)
                for i, was in before[0].items()
                if resolved(was, after[0][i])
            }
        if self._slot is None:
            return {}
        optimizer = self._state.optimizer
        return {
            i: self._slot.gradient(was, after[1][i], optimizer, rate)
            for i, was in before[1].items()
            if i in after[1]
        }

    def _look_at_units(self, before: Any, grads: dict[int, Array], row: dict[str, Any]) -> None:
        if not grads or (self._last in grads and not grads[self._last].any()):
            return
        self._streaks.looks += 1
        for name, place in self._units:
            zero = self._zero(before, grads, place)
            if zero is None:
                continue
            streak = self._streaks.by_layer.get(name, np.zeros(zero.shape, int))
            self._streaks.by_layer[name] = streak = (streak + 1) * zero
            if self._streaks.looks >= STREAK:
                row[f"dead_units/{name}"] = float((streak >= STREAK).mean())

    def _zero(self, before: Any, grads: dict[int, Array], place: int) -> Array | None:
        """Tell which units of a layer got no gradient; None where that cannot be told."""
        if self._slot is not None:
            return self._slot.is_zero(grads[place], before[1][place]) if place in grads else None
        bias = before[0].get(place)
        # A bias of some size hides small updates, unless it has not moved from zero.
        if bias is None or (place not in grads and bool(bias.any())):
            return None
        return grads[place] == 0 if place in grads else np.ones(bias.shape, bool)


def short(path: str, model: Any) -> str:
    """Return a weight's or layer's path within its model."""
    return path.removeprefix(f"{model.name}/")


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
