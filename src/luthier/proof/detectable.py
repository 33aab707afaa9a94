"""What could have been seen with these seeds and rows, and what more seeds would bring."""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.proof.student import t_ppf
from luthier.proof.two_way import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray


def detectable(
    found: Estimate, *, seeds: int | None = None, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true difference that would be claimed with that chance.

    Args:
        found: What was seen: its variances are taken for the truth.
        seeds: How many seeds; by default as many as there were.
        alpha: Level of the claim.
        power: 0.8 is the custom (Cohen 1988).

    >>> noisy = Estimate(0.1, 0.2, 10.0, 0.6, 3, 100, 0.1, 0.5, 0.1, 0.18, 4.0)
    >>> detectable(noisy, seeds=10) < detectable(noisy)
    True
    """
    seeds = seeds or found.seeds
    by_seed = found.seed_variance / seeds + found.rest_variance / (seeds * found.rows)
    by_row = found.row_variance / found.rows
    total = by_seed + by_row
    if total == 0:
        return 0.0
    # As if both recipes scattered alike: which of them does more is what few seeds do not tell.
    freedom = total**2 / (by_seed**2 / (2 * seeds - 2) + by_row**2 / (found.rows - 1))
    reach = t_ppf(1 - alpha / 2, freedom) + t_ppf(power, freedom)
    return float(reach * sqrt(total))


def seeds_to_see(
    found: Estimate, difference: float, *, alpha: float = 0.05, most: int = 100
) -> float:
    """Return how many seeds it takes to see a difference; infinite where rows are too few.

    Args:
        found: What was seen.
        difference: Its size.
        alpha: Level of the claim.
        most: Beyond this, more trainings are no sensible answer.

    >>> noisy = Estimate(0.4, 0.2, 4.0, 0.2, 3, 1000, 0.1, 0.5, 0.1, 0.18, 4.0)
    >>> seeds_to_see(noisy, 0.4), seeds_to_see(noisy, 0.001)
    (7.0, inf)
    """
    if difference == 0:
        return inf
    for seeds in range(2, most + 1):
        if detectable(found, seeds=seeds, alpha=alpha) <= abs(difference):
            return float(seeds)
    return inf


def detectable_by_rows(
    differences: NDArray[Any], *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest difference that some rows could show if training had no noise.

    One training of each recipe says nothing of the noise of training, so this is the least that
    can be said: the true limit lies higher.

    Args:
        differences: One a row.
        alpha: Level of a claim.
        power: Chance of it.

    >>> round(detectable_by_rows(np.random.default_rng(0).normal(size=400)), 1)
    0.1
    """
    rows = len(differences)
    error = float(np.std(differences, ddof=1)) / sqrt(rows)
    reach = t_ppf(1 - alpha / 2, rows - 1) + t_ppf(power, rows - 1)
    return float(reach) * error


def detectable_by_seeds(
    first: int, second: int, *, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest difference of two recipes that some seeds of each could show.

    In units of the standard deviation between seeds, which the same seeds have to tell; that of the
    rows comes on top. For a plan, before anything is known.

    Args:
        first: Trainings of one recipe.
        second: Of the other.
        alpha: Level of a claim.
        power: Chance of it.

    >>> round(detectable_by_seeds(2, 2), 1), round(detectable_by_seeds(5, 5), 1)
    (5.4, 2.0)
    """
    freedom = first + second - 2
    if freedom < 1:
        return inf
    reach = t_ppf(1 - alpha / 2, freedom) + t_ppf(power, freedom)
    return float(reach * sqrt(1 / first + 1 / second))
