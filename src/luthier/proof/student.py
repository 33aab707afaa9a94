"""Student's t distribution; SciPy, which takes long to import, is imported when first asked."""

from __future__ import annotations

import importlib
import math
from statistics import NormalDist


def get_ready() -> None:
    """Import SciPy now, for whoever has time for it."""
    importlib.import_module("scipy.special")


def t_ppf(share: float, freedom: float) -> float:
    """Return the value that is below with some probability.

    Args:
        share: That probability.
        freedom: Degrees of freedom, no whole number where Satterthwaite's are meant.

    >>> round(t_ppf(0.975, 10), 4)
    2.2281
    """
    if math.isinf(freedom):
        return NormalDist().inv_cdf(share)
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def t_cdf(value: float, freedom: float) -> float:
    """Return the probability of a value no larger.

    >>> round(t_cdf(2.2281, 10), 4)
    0.975
    """
    if math.isinf(freedom):
        return NormalDist().cdf(value)
    from scipy.special import stdtr

    return float(stdtr(freedom, value))


def t_sf(value: float, freedom: float) -> float:
    """Return the probability of a larger value.

    >>> round(t_sf(2.2281, 10), 4)
    0.025
    """
    return t_cdf(-value, freedom)
