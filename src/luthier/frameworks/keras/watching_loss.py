"""The loss of one step, from the running mean that Keras itself keeps of an epoch's."""

from __future__ import annotations

import math
from typing import Any

from luthier.frameworks.keras.watching_state import State, number

_LEAST = 1e-5  # of the sum so far: less than that float32 does not resolve well


class StepLoss:
    """Reads the loss tracker between steps; two readings around one step give its loss.

    Args:
        model: The model, compiled.
        state: Where its numbers are.
    """

    def __init__(self, model: Any, state: State) -> None:
        self._state = state
        tracker = getattr(model, "_loss_tracker", None)
        kept = [getattr(tracker, name, None) for name in ("total", "count")]
        places = {id(one): i for i, one in enumerate(model.metrics_variables)}
        self._places = [places[id(one)] for one in kept if id(one) in places]

    def read(self) -> tuple[float, float] | None:
        """Return sum and count so far; None where the model keeps none."""
        if len(self._places) != 2:
            return None
        held = self._state.metrics()
        total, count = (number(held[place]) for place in self._places)
        return total, count

    @staticmethod
    def between(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float:
        """Return the loss of the step between two readings; NaN where that cannot be told.

        >>> StepLoss.between((1.0, 32.0), (65.0, 64.0))
        2.0
        """
        if before is None or after is None or after[1] <= before[1]:
            return math.nan
        rise = after[0] - before[0]
        if abs(rise) < _LEAST * abs(after[0]):
            return math.nan
        return rise / (after[1] - before[1])
