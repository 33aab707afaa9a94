"""Differences, sizes and costs as short texts."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Cost


def signed(value: float) -> str:
    """Return a difference with its sign.

    >>> signed(0.01234), signed(-2.0)
    ('+0.012', '-2')
    """
    return f"{value:+.2g}"


def size(value: float) -> str:
    """Return how large a difference is.

    >>> size(-0.01234)
    '0.012'
    """
    return f"{abs(value):.2g}"


def mean_text(values: Sequence[float]) -> str:
    """Return the mean of some scores, with three digits.

    >>> mean_text([0.1, 0.2])
    '0.150'
    """
    return f"{sum(values) / len(values):#.3g}".rstrip(".")


def cost_text(cost: Cost, name: str) -> str:
    """Return a cost with its unit; a dash for what nobody measured.

    >>> cost_text(Cost(parameters=8970), "parameters"), cost_text(Cost(latency=0.0021), "latency")
    ('8,970', '2.1 ms for 1,000 rows')
    >>> cost_text(Cost(), "training_time")
    '–'
    """
    value = getattr(cost, name)
    if value is None:
        return "–"
    if name == "parameters":
        return f"{value:,}"
    return f"{1000 * value:.2g} ms for 1,000 rows" if name == "latency" else f"{value:.2g} s"
