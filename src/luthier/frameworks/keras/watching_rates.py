"""The learning rate as a Keras optimizer has it, and its settings under a recipe's names."""

from __future__ import annotations

from typing import Any

import keras

from luthier.frameworks.keras.watching_state import State, number
from luthier.frameworks.seen_rates import SeenRates

_NAMES = {
    "Adadelta": "adadelta",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "AdamW": "adamw",
    "Adamax": "adamax",
    "Lion": "lion",
    "Nadam": "nadam",
    "RMSprop": "rmsprop",
}


class Rates:
    """Reads the rate of an optimizer between two steps.

    Args:
        state: Where its numbers are.
        seen: Takes note of the rates.
    """

    def __init__(self, state: State, seen: SeenRates) -> None:
        self._state, self._seen = state, seen
        optimizer = state.optimizer
        rate = getattr(optimizer, "_learning_rate", None)
        self._schedule = rate if callable(rate) and not _is_variable(rate) else None
        self._slot = state.slot_number(rate) if self._schedule is None else None

    @property
    def schedule(self) -> str:
        """The name of the schedule that the optimizer has; empty for a rate that is set."""
        return "" if self._schedule is None else type(self._schedule).__name__

    def read(self, steps: int) -> float:
        """Return the rate of the step that comes after so many steps of the optimizer."""
        if self._schedule is not None:
            takes = isinstance(self._schedule, keras.optimizers.schedules.LearningRateSchedule)
            found = self._schedule(keras.ops.convert_to_tensor(steps)) if takes else (
                self._schedule()
            )  # fmt: skip
        elif self._slot is not None:
            found = self._state.slots()[self._slot]
        else:
            found = self._state.optimizer.learning_rate
        rate = number(found)
        self._seen.used(rate)
        return rate


def settings_of(optimizer: Any, rate: float) -> dict[str, Any]:
    """Return an optimizer's settings under a recipe's names; {} for one that has none."""
    kind = type(optimizer).__name__
    name = _NAMES.get(kind)
    if kind == "SGD":
        name = "nesterov" if optimizer.nesterov and optimizer.momentum else (
            "momentum" if optimizer.momentum else "sgd"
        )  # fmt: skip
    if name is None:
        return {}
    found: dict[str, Any] = {"optimizer": name, "learning_rate": rate}
    for ours, theirs in (("momentum", "momentum"), ("beta1", "beta_1"), ("beta2", "beta_2")):
        if getattr(optimizer, theirs, None):
            found[ours] = float(getattr(optimizer, theirs))
    if getattr(optimizer, "epsilon", None):
        found["epsilon"] = float(optimizer.epsilon)
    if getattr(optimizer, "weight_decay", None):
        # Keras' decay is decoupled for every optimizer: it takes rate * decay of a weight.
        found["weight_decay"] = float(optimizer.weight_decay)
    clip = getattr(optimizer, "global_clipnorm", None) or getattr(optimizer, "clipnorm", None)
    if clip:
        found["clip_norm"] = float(clip)
    return found


def _is_variable(rate: Any) -> bool:
    return isinstance(rate, keras.Variable)
