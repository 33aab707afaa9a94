"""Sparklines: a series in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Return a series as bars between its lowest and highest value.

    >>> sparkline([3.0, 2.0, 1.0])
    '█▅▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    if len(values) > width:
        values = [values[round(i * (len(values) - 1) / (width - 1))] for i in range(width)]
    low, high = min(finite) / 2, max(finite) / 2  # halves: the span of two floats may be none
    top = len(_BARS) - 1
    return "".join(
        _BARS[round((value / 2 - low) / (high - low) * top) if high > low else 0]
        if math.isfinite(value)
        else " "
        for value in values
    )
