"""Whether two recipes are the same for all that matters: two one-sided tests."""

from __future__ import annotations

from luthier.proof.student import t_cdf, t_sf
from luthier.proof.two_way import Estimate


def equivalence(found: Estimate, margin: float) -> float:
    """Return the p-value against a difference of `margin` or more, in either direction.

    Schuirmann (1987): the larger of the p-values of "not below -margin" and "not above margin".

    >>> close = Estimate(0.0, 0.1, 30.0, 1.0, 3, 100, 0.0, 0.0, 0.0, 0.0, 4.0)
    >>> equivalence(close, 0.1) > 0.05 > equivalence(close, 0.3)
    True
    """
    if found.error == 0:
        return 0.0 if abs(found.difference) < margin else 1.0
    below = t_sf((found.difference + margin) / found.error, found.freedom)
    above = t_cdf((found.difference - margin) / found.error, found.freedom)
    return float(max(below, above))
