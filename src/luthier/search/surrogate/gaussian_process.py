"""An exact Gaussian process over (recipe, epoch), its hyperparameters fitted to the curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.search.surrogate.kernel import (
    JITTER,
    Inputs,
    Prior,
    covariance,
    evidence,
    noise,
    variance,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """What is believed of all curves, given some values of them.

    Args:
        theta: Hyperparameters, in the order of `Prior`.
        groups: Which parameter each column of features belongs to.
        seen: Where values were seen.
        lower: Cholesky factor of their covariance, noise included.
        weights: Their inverse covariance times the values.
    """

    theta: Array
    groups: NDArray[np.intp]
    seen: Inputs
    lower: Array
    weights: Array

    @classmethod
    def given(
        cls, theta: Array, groups: NDArray[np.intp], seen: Inputs, values: Array
    ) -> GaussianProcess:
        """Condition on values of mean about 0 and scale about 1.

        Raises:
            numpy.linalg.LinAlgError: when the covariance is singular in floating point, even
                with a hundred times the usual jitter.
        """
        from scipy.linalg import cholesky  # not before a model is fitted

        matrix = covariance(theta, groups, seen, seen)
        for jitter in (JITTER, 10 * JITTER, 100 * JITTER):
            loaded = matrix.copy()
            loaded.flat[:: len(seen) + 1] += noise(theta) + jitter
            try:
                lower = cholesky(loaded, lower=True, overwrite_a=True, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            half = _solved(lower, values)
            weights = _solved(lower, half, trans=1)
            return cls(theta, groups, seen, lower, weights)
        raise np.linalg.LinAlgError("the covariance of the curves is singular")

    @property
    def noise(self) -> float:
        """Variance of the noise."""
        return noise(self.theta)

    def at(self, asked: Inputs) -> tuple[Array, Array]:
        """Return means and variances of the true values at some inputs."""
        cross = covariance(self.theta, self.groups, self.seen, asked)
        half = _solved(self.lower, cross)
        left = variance(self.theta) - np.einsum("ij,ij->j", half, half)
        return cross.T @ self.weights, np.maximum(left, 1e-12)

    def jointly(self, asked: Inputs) -> tuple[Array, Array]:
        """Return means and covariance of the true values at some inputs."""
        cross = covariance(self.theta, self.groups, self.seen, asked)
        half = _solved(self.lower, cross)
        left = covariance(self.theta, self.groups, asked, asked) - half.T @ half
        return cross.T @ self.weights, left


def fitted(
    groups: NDArray[np.intp],
    seen: Inputs,
    values: Array,
    rng: np.random.Generator,
    *,
    most: int = 120,
    iterations: int = 15,
) -> Array:
    """Return the hyperparameters that are most likely given the values (MAP, by L-BFGS).

    Always from the prior's mean: a strategy keeps no memory.

    Args:
        groups: Which parameter each column of features belongs to.
        seen: Where values were seen.
        values: What they were, of mean about 0 and scale about 1.
        rng: Decides which trials are left out, where there are too many.
        most: Values that are used: whole trials, those that went far and some others. Time grows
            with the third power, and more changed nothing on published curves.
        iterations: Steps of L-BFGS; the prior keeps the start close.
    """
    from scipy.optimize import minimize

    prior = Prior(groups)
    if not len(seen):
        return prior.mean
    if len(seen) > most:
        rows = _whole_trials(seen, rng, most)
        seen, values = seen[rows], values[rows]
    answer = minimize(
        evidence,
        prior.mean,
        args=(groups, prior, seen, values),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(prior.mean - 4 * prior.sd, prior.mean + 4 * prior.sd, strict=True)),
        options={"maxiter": iterations, "maxfun": 2 * iterations},
    )
    return np.asarray(answer.x if np.isfinite(answer.fun) else prior.mean)


def _solved(lower: Array, values: Array, trans: int = 0) -> Array:
    from scipy.linalg import solve_triangular

    found: Array = solve_triangular(lower, values, lower=True, trans=trans, check_finite=False)
    return found


def hallucinated(left: Array, row: int, noise: float) -> Array:
    """Return a covariance as it will be once a value of one row is known; means stay."""
    known = left[:, row] / np.sqrt(left[row, row] + noise)
    return left - np.outer(known, known)


def _whole_trials(seen: Inputs, rng: np.random.Generator, most: int) -> NDArray[np.intp]:
    """Return rows of whole trials, the further they went the likelier."""
    trials, first = np.unique(seen.trial, return_inverse=True)
    reach = np.zeros(len(trials))
    np.maximum.at(reach, first, seen.time)
    counts = np.bincount(first)
    order = np.argsort(-(reach + 0.8 * rng.random(len(trials))))
    kept = order[np.cumsum(counts[order]) <= most]
    return np.flatnonzero(np.isin(first, kept))
