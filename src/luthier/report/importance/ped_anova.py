"""PED-ANOVA: which parameters the best trials agree in, against where all trials looked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_LEAST_WIDTH = 0.5 / 1.64  # of a kernel, in cells: nine tenths of it lie within its own
_TINY = 1e-12


def divergence(
    best: Sequence[int], everything: Sequence[int], cells: int, *, ordered: bool
) -> float:
    """Return Pearson's divergence of the best trials' density from that of all trials.

    "PED-ANOVA", Watanabe, Bansal and Hutter 2023 (arXiv 2304.10255), equation 10: the variance
    of being among the best that this parameter explains by itself, where the search looked. The
    densities are Optuna's: kernels of Scott's width on a grid, and a flat prior of one trial.

    Args:
        best: Cell of each of the best trials.
        everything: Cell of each trial.
        cells: How many there are.
        ordered: Whether neighbouring cells are alike, as those of numbers are.

    >>> divergence([0, 0, 1], [0, 0, 1], 2, ordered=False)
    0.0
    >>> round(divergence([0, 0, 0], [0, 0, 0, 1, 1, 1], 2, ordered=False), 2)
    0.14
    """
    top = density(best, cells, ordered=ordered) + _TINY
    local = density(everything, cells, ordered=ordered) + _TINY
    return float(local @ (top / local - 1) ** 2)


def density(places: Sequence[int], cells: int, *, ordered: bool, prior: float = 1.0) -> Array:
    """Return the probability of each cell, estimated from trials' places.

    Args:
        places: Cell of each trial.
        cells: How many there are.
        ordered: As for `divergence`.
        prior: How many trials the flat prior counts as.
    """
    counts = np.bincount(np.asarray(places, dtype=int), minlength=cells).astype(float)
    taken = np.flatnonzero(counts)
    weights = np.append(counts[taken], prior)
    kernels = _bells(taken, counts[taken], cells) if ordered else _bars(taken, cells, prior)
    found: Array = (weights / weights.sum()) @ kernels
    return found


def _bars(taken: NDArray[np.intp], cells: int, prior: float) -> Array:
    rows = len(taken) + 1
    kernels = np.full((rows, cells), prior / rows)
    kernels[np.arange(len(taken)), taken] += 1
    found: Array = kernels / kernels.sum(axis=1, keepdims=True)
    return found


def _bells(taken: NDArray[np.intp], weights: Array, cells: int) -> Array:
    """Return a bell for each cell that was taken, and a wide one for the prior."""
    places, total = taken.astype(float), weights.sum()
    mean = places @ weights / total
    sd = math.sqrt(float((places - mean) ** 2 @ weights) / max(1.0, total - 1))
    summed = np.cumsum(weights)
    lower = places[np.searchsorted(summed, total // 4, side="left")]
    upper = np.searchsorted(summed, total * 3 // 4, side="right")
    quartiles = places[min(len(places) - 1, int(upper))] - lower
    width = max(1.059 * min(quartiles / 1.34, sd) * total**-0.2, _LEAST_WIDTH)
    middles = np.append(places, (cells - 1) / 2)
    widths = np.append(np.full(len(places), width), float(cells))
    edges = np.arange(cells + 1) - 0.5
    below = _normal((edges[None, :] - middles[:, None]) / widths[:, None])
    found: Array = np.diff(below, axis=1) / (below[:, -1:] - below[:, :1])
    return found


def _normal(z: Array) -> Array:
    return np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in z.ravel()]).reshape(z.shape)
