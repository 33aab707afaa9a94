"""Bound: what a trial's metric has to reach, whatever else the trial is good at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SIGNS = {"minimize": "<=", "maximize": ">="}


@dataclass(frozen=True)
class Bound:
    """The most, or the least, that a metric may be at the epoch whose weights are kept.

    Args:
        name: A metric of the task, or a name that an objective reports.
        direction: ``minimize``: at most `value`; ``maximize``: at least.
        value: In units of the metric.
    """

    name: str
    direction: str
    value: float

    def excess(self, value: float) -> float:
        """Return by how much a value breaks the bound, in units of the metric; 0 where it holds.

        >>> bound = Bound("accuracy", "maximize", 0.9)
        >>> bound.excess(0.95), round(bound.excess(0.8), 3), bound.excess(float("nan"))
        (0.0, 0.1, inf)
        """
        if not math.isfinite(value):
            return math.inf
        sign = 1.0 if self.direction == "minimize" else -1.0
        return max(sign * (value - self.value), 0.0)

    def __str__(self) -> str:
        return f"{self.name} {SIGNS[self.direction]} {self.value:g}"


def bounds_of(about: Mapping[str, Any]) -> tuple[Bound, ...]:
    """Return the bounds that a study's record keeps."""
    return tuple(Bound(*one) for one in about.get("bounds", ()))
