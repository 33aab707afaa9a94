"""Rates that a loop says it uses, held against those that an optimizer has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

CLOSE = 1e-3  # rates that differ by less are the same, written with fewer digits
_MANY = 1000


class SeenRates:
    """Counts rates that were said, and those among them that no optimizer had.

    >>> seen = SeenRates()
    >>> seen.used(0.1)
    >>> for rate in (0.1, 0.01, 0.001):
    ...     seen.said(rate, [0.1])
    >>> seen.counts(), seen.facts()["rate_logged"]
    ({'rates_logged': 3, 'rates_not_applied': 2}, 0.001)
    """

    def __init__(self) -> None:
        self.last = float("nan")
        self.highest = 0.0
        self._counts = {"rates_logged": 0, "rates_not_applied": 0}
        self._pair: tuple[float, float] | None = None
        self._said: set[float] = set()
        self._used: set[float] = set()
        self._before: set[float] = set()

    def used(self, rate: float) -> None:
        """Take note of a rate that a step was made with."""
        self.last = rate
        self.highest = max(self.highest, rate)

    def said(self, rate: float, now: Iterable[float]) -> None:
        """Compare a rate that was said with those of now, and those at the last call."""
        there = {*now, self.last}
        self._counts["rates_logged"] += 1
        if not any(abs(rate - one) <= CLOSE * abs(one) for one in there | self._before):
            self._counts["rates_not_applied"] += 1
            self._pair = (rate, self.last)
        self._before = there
        if len(self._said) < _MANY:
            self._said.add(rate)
            self._used.add(self.last)

    def counts(self) -> dict[str, int]:
        """Return how many rates were said, and how many of them no optimizer had."""
        return self._counts

    def facts(self) -> dict[str, Any]:
        """Return whether either changed, and the last pair that differed."""
        facts: dict[str, Any] = {"rates_logged_differ": len(self._said) > 1}
        facts["rates_used_differ"] = len(self._used) > 1
        if self._pair is not None:
            facts["rate_logged"], facts["rate_used"] = self._pair
        return facts
