"""Whether enough points were tried: what the best of n would have been, again and again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def expected_best(losses: Sequence[float]) -> tuple[float, ...]:
    """Return the expected lowest loss of 1, 2, … draws, as many as there are losses.

    Dodge et al. (2019, "Show Your Work"): draws with replacement from what was seen. Where the
    curve still falls at its end, more points would have found better ones.

    Args:
        losses: One a trial; lower is better.

    >>> [round(value, 2) for value in expected_best([1.0, 2.0, 3.0])]
    [2.0, 1.56, 1.33]
    """
    ordered = np.sort(np.asarray(losses, np.float64))
    count = len(ordered)
    # Chance that all draws lie at or above the i-th smallest.
    above = (count - np.arange(count + 1)) / count
    return tuple(
        float(ordered @ (above[:-1] ** draws - above[1:] ** draws)) for draws in range(1, count + 1)
    )


def chance_best(
    losses: Sequence[Sequence[float]], rng: np.random.Generator, *, draws: int = 2000
) -> tuple[float, ...]:
    """Return for each group how often its best is the best of all, with other points.

    A bootstrap of the points in each group; ties count in parts.

    Args:
        losses: Groups of losses; lower is better.
        rng: Draws.
        draws: 2,000 know a share to 2 %.

    >>> chance_best([[1.0, 1.1], [3.0, 3.1]], np.random.default_rng(0))
    (1.0, 0.0)
    """
    bests = np.stack(
        [
            np.asarray(group, np.float64)[rng.integers(len(group), size=(draws, len(group)))].min(1)
            for group in losses
        ]
    )
    won = bests == bests.min(axis=0)
    shares = (won / won.sum(axis=0)).mean(axis=1)
    return tuple(float(share) for share in shares)
