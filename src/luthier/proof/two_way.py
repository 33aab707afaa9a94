"""A difference over seeds and test rows, its error, and a p-value that holds for three seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Estimate:
    """A mean difference and how sure it is; positive is a gain of the candidate.

    Args:
        difference: Mean over seeds and rows.
        error: Its standard error over fresh seeds and fresh rows at once.
        freedom: Degrees of freedom of that error.
        p_value: Two-sided, against no difference.
        seeds: How many trainings of each recipe.
        rows: How many rows, groups or blocks of rows.
        seed_variance: Of a seed's difference, on all rows of the world.
        row_variance: Of a row's difference, over all seeds of the world.
        rest_variance: Of a row's difference with one seed beyond both.
        seed_error: Standard error over fresh seeds alone, on these rows.
    """

    difference: float
    error: float
    freedom: float
    p_value: float
    seeds: int
    rows: int
    seed_variance: float
    row_variance: float
    rest_variance: float
    seed_error: float


def two_way(differences: Array) -> Estimate:
    """Test a mean difference whose seeds and whose rows are both samples.

    Each seed meets each row, so the differences are a crossed table ``m + a(seed) + b(row) +
    e(seed, row)``. The variance of their mean is (MS_seeds + MS_rows - MS_rest) / (seeds · rows),
    where a negative row part is chance and counts as 0. Its degrees of freedom are Hillis' (2007,
    Statistics in Medicine 26:596-619, for readers and cases in the place of seeds and rows) with
    the rows' own term added (Satterthwaite 1946), which keeps them below the number of rows.
    A permutation test of three seeds could never fall below 1/4: this one can, because what
    rows contribute is known well.

    Args:
        differences: (seeds, rows), at least two of each; gains of a candidate are positive.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(0, 0.1, (3, 1)) + rng.normal(0, 1, (1, 200))
    >>> round(two_way(noise + 1.0).p_value, 3) < 0.05 < two_way(noise).p_value
    True
    """
    table = np.asarray(differences, np.float64)
    seeds, rows = table.shape
    mean = float(table.mean())
    by_seed, by_row = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_seed[:, None] - by_row[None, :] + mean
    ms_seeds = float(rows * ((by_seed - mean) ** 2).sum() / (seeds - 1))
    ms_rows = float(seeds * ((by_row - mean) ** 2).sum() / (rows - 1))
    ms_rest = float((rest**2).sum() / ((seeds - 1) * (rows - 1)))
    row_part = max(ms_rows - ms_rest, 0.0)
    total = ms_seeds + row_part
    error = float(np.sqrt(total / table.size))
    # Differences that are equal but for rounding have no error that could be estimated.
    if total <= 1e-20 * max(mean * mean, 1e-300) * rows:
        same = abs(mean) < 1e-12
        freedom, p_value = float(rows - 1), 1.0 if same else 0.0
    else:
        freedom = total**2 / (ms_seeds**2 / (seeds - 1) + row_part**2 / (rows - 1))
        p_value = float(2 * stats.t.sf(abs(mean) / error, freedom))
    return Estimate(
        difference=mean,
        error=error,
        freedom=float(freedom),
        p_value=p_value,
        seeds=seeds,
        rows=rows,
        seed_variance=max(ms_seeds - ms_rest, 0.0) / rows,
        row_variance=row_part / seeds,
        rest_variance=ms_rest,
        seed_error=float(np.sqrt(ms_seeds / table.size)),
    )
