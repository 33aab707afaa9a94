"""Robust statistics of curves: how noisy, where it turned, what changed beyond noise.

One budget of false alarms is shared by all rules: a threshold in units of noise comes from
`sigmas`, so that adding rules makes each of them stricter.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from statistics import NormalDist

BUDGET = 0.01  # share of healthy trainings that may get an alarm by chance, over all rules
RULES = 30  # that share it
_MAD = 1.4826  # median absolute deviation to standard deviation, for a normal distribution
_SECOND = math.sqrt(6.0)  # standard deviation of x[i-1] - 2 x[i] + x[i+1], for unit noise
TINY = 1e-12


def sigmas(looks: int = 1) -> float:
    """Return how many standard deviations a change must have to count.

    Args:
        looks: At how many places a rule looks for it.

    >>> round(sigmas(), 2), round(sigmas(40), 2)
    (3.4, 4.31)
    """
    return NormalDist().inv_cdf(1.0 - BUDGET / (RULES * max(looks, 1)))


def noise(values: Sequence[float]) -> float:
    """Return the standard deviation from one epoch to the next, whatever the trend.

    Second differences take a straight trend out; their median leaves out single jumps.

    >>> noise([5.0, 4.0, 3.0, 2.0, 1.0])
    0.0
    >>> round(noise([0.0, 1.0, 0.0, 1.0, 0.0]), 2)
    1.21
    """
    bends = [
        abs(values[i - 1] - 2.0 * values[i] + values[i + 1]) for i in range(1, len(values) - 1)
    ]
    return _MAD * statistics.median(bends) / _SECOND if bends else 0.0


def level(values: Sequence[float]) -> float:
    """Return the median of some epochs."""
    return statistics.median(values)


def lowest(values: Sequence[float], around: int = 1) -> tuple[int, float]:
    """Return where a curve is lowest, and its level there: the lowest of noisy values flatters.

    >>> lowest([3.0, 1.0, 2.0, 3.0, 4.0])
    (1, 2.0)
    """
    index = min(range(len(values)), key=values.__getitem__)
    return index, level(values[max(index - around, 0) : index + around + 1])


def tail(values: Sequence[float], share: float = 0.25, least: int = 3) -> Sequence[float]:
    """Return the last epochs of a curve."""
    return values[-max(least, math.ceil(share * len(values))) :]


def slope(values: Sequence[float]) -> float:
    """Return the median of the slopes between all pairs, a change an epoch (Theil 1950, Sen 1968).

    >>> slope([3.0, 2.0, 100.0, 0.0])
    -1.0
    """
    pairs = [
        (values[j] - values[i]) / (j - i)
        for i in range(len(values))
        for j in range(i + 1, len(values))
    ]
    return statistics.median(pairs) if pairs else 0.0


def turns(values: Sequence[float]) -> float:
    """Return the share of epochs at which a curve changes its direction; pure noise has 2/3.

    >>> turns([1.0, 2.0, 1.0, 2.0]), turns([3.0, 2.0, 1.0])
    (1.0, 0.0)
    """
    steps = [b - a for a, b in itertools.pairwise(values)]
    pairs = list(itertools.pairwise(steps))
    return sum(a * b < 0 for a, b in pairs) / len(pairs) if pairs else 0.0


def falls(values: Sequence[float], share: float = 0.25, least: int = 4) -> bool:
    """Tell whether a curve is still falling at its end, beyond its noise.

    >>> falls([8.0, 7.0, 6.0, 5.0, 4.0, 3.0]), falls([8.0, 4.0, 3.0, 3.0, 3.0, 3.0])
    (True, False)
    """
    end = tail(values, share, least)
    drop = -slope(end) * (len(end) - 1)
    spread = noise(tail(values, 0.5, least))
    lowest_yet = len(values) >= least and min(end) <= min(values) + spread
    return lowest_yet and drop > max(sigmas() * spread, TINY * abs(values[0]))


def forecast(values: Sequence[float]) -> tuple[float, float]:
    """Return how much further a curve falls if it runs as long again, and how straight it is.

    Each half of a run falls by some share of what the half before it fell; that share, 1 for a
    straight line, is taken to last. It is no more than the slope of the last quarter would
    give, which counts where a rate has dropped meanwhile.

    >>> forecast([4.0, 3.0, 2.0, 1.0, 0.0])
    (4.0, 1.0)
    >>> forecast([16.0, 8.0, 4.0, 2.0, 1.0])
    (0.9375, 0.25)
    >>> forecast([5.0, 4.0, 3.0, 1.0, 1.0, 1.0])[0]
    0.0
    """
    width = max(1, len(values) // 8)
    middle = len(values) // 2
    begin, end = level(values[:width]), level(values[-width:])
    half = level(values[middle - width // 2 : middle - width // 2 + width])
    first, second = begin - half, half - end
    if second <= 0.0:
        return 0.0, 0.0
    share = min(second / first, 1.0) if first > 0.0 else 1.0
    ahead = -slope(tail(values)) * len(values)
    return max(min(second * (share + share * share), ahead), 0.0), share


def agreement(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return how well two curves' changes agree; None where they differ in length or one is flat.

    Weights that jump move training and validation alike; noise of the evaluation does not.

    >>> round(agreement([1.0, 2.0, 1.0, 3.0], [5.0, 7.0, 5.0, 9.0]), 3)
    1.0
    """
    changes = [[b - a for a, b in itertools.pairwise(values)] for values in (one, other)]
    if len(one) != len(other):
        return None
    try:
        found = statistics.correlation(*changes)
    except statistics.StatisticsError:
        return None
    return found if math.isfinite(found) else None
