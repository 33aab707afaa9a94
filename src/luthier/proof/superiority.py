"""How often one training of the candidate beats one of the baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def superiority(gains: NDArray[Any], baseline: NDArray[Any]) -> float:
    """Return the share of pairs of seeds in which the candidate is ahead; ties count half.

    Mann and Whitney's statistic; Bouthillier et al. (2021, Accounting for variance in machine
    learning benchmarks) recommend it to say what a difference is worth to who trains once.

    Args:
        gains: Score of each of the candidate's seeds, larger being better.
        baseline: The same for the baseline.

    >>> superiority(np.array([0.9, 0.8]), np.array([0.7, 0.8]))
    0.875
    """
    pairs = np.subtract.outer(np.asarray(gains), np.asarray(baseline))
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)
