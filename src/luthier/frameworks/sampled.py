"""Which steps of a training are looked at, and what they showed: one row each, thinned if many."""

from __future__ import annotations

import math
from typing import Any

LIMIT = 256  # rows: enough for a curve, and a few megabytes for fifty tensors
FIRST = 8  # steps at the beginning that are all looked at: explosions are quick
GROWTH = 1.25  # ratio of successive steps after that
EVERY = 100  # the longest gap


class Rows:
    """Rows of numbers by name: all of the beginning and the end, ever fewer in between.

    >>> rows = Rows(limit=16)
    >>> for step in range(1, 101):
    ...     rows.begin(step)["loss"] = 1.0 / step
    >>> steps, series = rows.series()
    >>> len(steps) <= 16, steps[:2], steps[-1], series["loss"][:2]
    (True, (1, 2), 100, (1.0, 0.5))
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rows: list[tuple[int, dict[str, Any]]] = []

    def begin(self, step: int) -> dict[str, Any]:
        """Return the empty row of a step."""
        if len(self._rows) >= self._limit:
            edge = self._limit // 8
            del self._rows[edge:-edge:2]
        self._rows.append((step, {}))
        return self._rows[-1][1]

    def current(self) -> dict[str, Any]:
        """Return the last row."""
        return self._rows[-1][1] if self._rows else self.begin(1)

    def series(self) -> tuple[tuple[int, ...], dict[str, tuple[float, ...]]]:
        """Return the steps, and one value a step by name, NaN where there was none."""
        names = dict.fromkeys(name for _, row in self._rows for name in row)
        series = {name: tuple(row.get(name, math.nan) for _, row in self._rows) for name in names}
        return tuple(step for step, _ in self._rows), series


def due_after(step: int, *, first: int = FIRST, growth: float = GROWTH, every: int = EVERY) -> int:
    """Return the next step to look at, after the one that was.

    >>> due_after(3), due_after(20), due_after(10_000)
    (4, 25, 10100)
    """
    if step < first:
        return step + 1
    return step + min(math.ceil(step * (growth - 1.0)), every)
