"""How alike two values of two curves are: the freeze-thaw kernel.

After Swersky, Snoek and Adams 2014, "Freeze-thaw Bayesian optimization", with a stationary kernel
over the logarithm of the epoch in place of their exponential decays: curves of networks fall by
powers, and rise again where they overfit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SCALES = 9  # hyperparameters beside the length scales
JITTER = 1e-6


@dataclass(frozen=True, eq=False)
class Inputs:
    """Where values were seen, or are asked for.

    Args:
        x: Features of the recipes, shape (n, columns).
        time: Logarithm of the epoch, as a share of that of a full training, shape (n,).
        trial: Number of the trial, shape (n,); negative and distinct for those to come.
    """

    x: Array
    time: Array
    trial: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: NDArray[np.intp]) -> Inputs:
        return Inputs(self.x[rows], self.time[rows], self.trial[rows])


@dataclass(frozen=True, eq=False)
class Prior:
    """What hyperparameters are likely before any curve is seen; all are logarithms.

    In order: a length scale for each parameter; standard deviations of a recipe's level, of how
    recipes differ in their course, of the course they share, of a trial's own level, of its own
    course, and of the noise; the three courses' length scales in time.

    Args:
        groups: Which parameter each column of features belongs to.
        length: Typical length scale in one dimension; in more it grows with the square root of
            their number, as distances do (Hvarfner et al. 2024, "Vanilla Bayesian optimization
            performs great in high dimensions").
        spread: Standard deviation of the logarithms of the length scales.
    """

    groups: NDArray[np.intp]
    length: float = 0.23
    spread: float = 0.7

    @property
    def parameters(self) -> int:
        """How many length scales there are."""
        return int(self.groups.max(initial=-1)) + 1

    @property
    def mean(self) -> Array:
        """The most likely hyperparameters."""
        count = self.parameters
        lengths = [np.log(self.length * np.sqrt(max(count, 1)))] * count
        return np.array([*lengths, *np.log([1.0, 0.5, 0.4, 0.25, 0.3, 0.15, 0.5, 0.5, 0.5])])

    @property
    def sd(self) -> Array:
        """Their standard deviations."""
        return np.array([self.spread] * self.parameters + [0.7] * 3 + [0.8] * 3 + [0.5] * 3)


def covariance(theta: Array, groups: NDArray[np.intp], a: Inputs, b: Inputs) -> Array:
    """Return the covariance of the true values at two sets of inputs, shape (len(a), len(b))."""
    level, course, shared, own, own_course, _, long, wide, short = np.exp(theta[-SCALES:])
    recipes, _ = _recipes(theta, groups, a, b)
    apart = np.abs(a.time[:, None] - b.time[None, :])
    q = np.sqrt(3.0) / long * apart
    found = recipes * (level**2 + course**2 * ((1 + q) * np.exp(-q)))
    found += shared**2 * np.exp(-0.5 * (apart / wide) ** 2)
    row, column = np.nonzero(a.trial[:, None] == b.trial[None, :])
    found[row, column] += own**2 + own_course**2 * np.exp(-apart[row, column] / short)
    return np.asarray(found)


def variance(theta: Array) -> float:
    """Return the variance of any single true value."""
    return float((np.exp(theta[-SCALES:])[:5] ** 2).sum())


def noise(theta: Array) -> float:
    """Return the variance of the noise."""
    return float(np.exp(2.0 * theta[-SCALES + 5]))


def evidence(
    theta: Array, groups: NDArray[np.intp], prior: Prior, seen: Inputs, values: Array
) -> tuple[float, Array]:
    """Return the negative logarithm of likelihood times prior, and its gradient.

    Infinite where the covariance is not positive definite in floating point.
    """
    from scipy.linalg import cholesky, lapack

    level, course, shared, own, own_course, _, long, wide, short = np.exp(theta[-SCALES:])
    recipes, slope = _recipes(theta, groups, seen, seen)
    apart = np.abs(seen.time[:, None] - seen.time[None, :])
    q = np.sqrt(3.0) / long * apart
    decay = np.exp(-q)
    matern = (1 + q) * decay
    mixed = course**2 * recipes
    common = shared**2 * np.exp(-0.5 * (apart / wide) ** 2)
    row, column = np.nonzero(seen.trial[:, None] == seen.trial[None, :])
    same = apart[row, column] / short
    mine = own_course**2 * np.exp(-same)
    matrix = level**2 * recipes + mixed * matern + common
    matrix[row, column] += own**2 + mine
    matrix.flat[:: len(seen) + 1] += noise(theta) + JITTER
    try:
        lower = cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
    except np.linalg.LinAlgError:
        return np.inf, np.zeros_like(theta)
    inverse, _ = lapack.dpotri(lower, lower=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = inverse @ values
    gap = inverse - np.outer(weights, weights)
    away = (theta - prior.mean) / prior.sd
    found = 0.5 * values @ weights + np.log(np.diag(lower)).sum() + 0.5 * away @ away
    steep = gap * slope * (level**2 + course**2 * matern)
    columns = seen.x / np.exp(theta[: prior.parameters])[groups]
    by_column = steep.sum(1) @ columns**2 - ((steep @ columns) * columns).sum(0)
    lengths = np.bincount(groups, by_column, prior.parameters) if len(groups) else np.zeros(0)
    diagonal = gap[row, column]
    gradient = [
        level**2 * np.vdot(gap, recipes),
        np.vdot(gap, mixed * matern),
        np.vdot(gap, common),
        own**2 * diagonal.sum(),
        diagonal @ mine,
        noise(theta) * np.trace(gap),
        0.5 * np.vdot(gap, mixed * (q * q * decay)),
        0.5 * np.vdot(gap, common * (apart / wide) ** 2),
        0.5 * diagonal @ (mine * same),
    ]
    return float(found), np.concatenate([lengths, gradient]) + away / prior.sd


def _recipes(theta: Array, groups: NDArray[np.intp], a: Inputs, b: Inputs) -> tuple[Array, Array]:
    """Return Matérn's 5/2 of two sets of recipes, and its slope over the squared distance."""
    lengths = np.exp(theta[: len(theta) - SCALES])[groups]
    left, right = a.x / lengths, b.x / lengths
    squared = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2 * left @ right.T
    r = np.sqrt(5.0 * np.maximum(squared, 1e-12))
    decay = np.exp(-r)
    return (1 + r + r * r / 3) * decay, (5 / 3) * (1 + r) * decay
