"""Differences, sizes and costs as short texts."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Cost

LARGE = 99.5  # from here on all digits before the point are shown: 1.2e+02 is no text for people


def signed(value: float) -> str:
    """Return a difference with its sign.

    >>> signed(0.01234), signed(-2.0), signed(1234.5)
    ('+0.012', '-2', '+1,234')
    """
    return f"{value:+.2g}" if abs(value) < LARGE else f"{value:+,.0f}"


def size(value: float) -> str:
    """Return how large a difference is.

    >>> size(-0.01234)
    '0.012'
    """
    return short(abs(value))


def mean_text(values: Sequence[float]) -> str:
    """Return the mean of some scores, with three digits that count, and all before the point.

    >>> mean_text([0.1, 0.2]), mean_text([12345, 12346.2])
    ('0.150', '12,346')
    """
    mean = sum(values) / len(values)
    return f"{mean:#.3g}".rstrip(".") if abs(mean) < 10 * LARGE else f"{mean:,.0f}"


def short(value: float) -> str:
    """Return a number with two digits that count, and all of those before the point.

    >>> short(0.0021), short(2.34), short(253.1), short(12345)
    ('0.0021', '2.3', '253', '12,345')
    """
    return f"{value:.2g}" if abs(value) < LARGE else f"{value:,.0f}"


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
    return f"{short(1000 * value)} ms for 1,000 rows" if name == "latency" else f"{short(value)} s"
