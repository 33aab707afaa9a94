"""Scales: from values to places on a chart, and the ticks between."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# A range that spans more than this factor is shown in orders of magnitude: on an even scale all
# that is below a tenth of the highest value would lie in the lowest tenth of the chart.
LOG_FROM = 10.0


@dataclass(frozen=True)
class Scale:
    """Places values between two ends; what lies outside is put at the nearer end.

    Args:
        low, high: Values at the ends.
        start, end: Places of the ends.
        log: Whether orders of magnitude are spread evenly.

    >>> Scale(0.0, 10.0, 0.0, 100.0)(2.5), Scale(0.01, 1.0, 0.0, 100.0, log=True)(0.1)
    (25.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value, to a tenth."""
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if high <= low:
            share = 0.5
        elif self.log:
            share = math.log(value / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 5) -> list[float]:
        """Return round values between the ends, about as many as asked for.

        >>> Scale(0.0, 47.0, 0, 1).ticks(), Scale(0.02, 2.0, 0, 1, log=True).ticks()
        ([0.0, 10.0, 20.0, 30.0, 40.0], [0.03, 0.1, 0.3, 1.0])
        """
        if self.high <= self.low:
            return [self.low]
        if self.log and (found := self._magnitudes(count)):
            return found
        step = _step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{index * step:.10g}") for index in range(first, last + 1)]

    def _magnitudes(self, count: int) -> list[float]:
        bottom, top = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, math.ceil((top - bottom) / (count + 1)))
        for factors in ((1,), (1, 3), (1, 2, 5)):
            found = [
                float(f"{factor * 10.0**power:.10g}")
                for power in range(bottom, top + 1, every)
                for factor in factors
            ]
            found = [one for one in found if self.low * 0.999 <= one <= self.high * 1.001]
            if len(found) >= min(3, count):
                return found
        return []


def scale_over(
    values: Iterable[float],
    start: float,
    end: float,
    *,
    logarithmic: bool | None = None,
    outliers: float = 0.0,
) -> Scale:
    """Return a scale that holds values.

    Args:
        values: What is shown; what is no number is left out.
        start: Place of the lower end.
        end: Place of the upper one.
        logarithmic: By default where all are positive and span more than `LOG_FROM`.
        outliers: Share of the highest values that may lie above the end: a few trainings that
            diverged would press all others flat.

    >>> scale_over([1.0, 2.0, float("nan")], 0, 10)
    Scale(low=1.0, high=2.0, start=0, end=10, log=False)
    """
    found = sorted(value for value in values if math.isfinite(value))
    if not found:
        return Scale(0.0, 1.0, start, end)
    low, high = found[0], found[round((len(found) - 1) * (1 - outliers))]
    if high <= low:
        pad = abs(low) * 0.05 or 0.5
        return Scale(low - pad, low + pad, start, end)
    log = low > 0 and high / low > LOG_FROM if logarithmic is None else logarithmic and low > 0
    return Scale(low, high, start, end, log)


def _step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next((f * power for f in (1.0, 2.0, 5.0) if f * power >= rough * 0.8), 10.0 * power)
