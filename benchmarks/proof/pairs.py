"""Paired differences over splits, with both ways to say how sure they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from luthier.proof import corrected_resampled


def paired(gains: Sequence[float], *, ratio: float = 0.25) -> str:
    """Return mean, its 95 % interval over splits, and the one corrected for their overlap.

    The plain interval says what to expect of another split of these rows. Splits of one data set
    share most of their rows, so for other rows of the same world the corrected one holds.

    Args:
        gains: One a split.
        ratio: Test rows by training rows: 20 % by 80 %, which choose and train.
    """
    mean, count = float(np.mean(gains)), len(gains)
    if count < 2:
        return f"{mean:+.4f}"
    reach = float(stats.t.ppf(0.975, count - 1))
    plain = reach * float(np.std(gains, ddof=1)) / np.sqrt(count)
    corrected = reach * corrected_resampled(gains, ratio)[0]
    won = sum(gain > 0 for gain in gains)
    return (
        f"{mean:+.4f}, 95 % {mean - plain:+.4f} to {mean + plain:+.4f} over splits "
        f"({mean - corrected:+.4f} to {mean + corrected:+.4f} corrected for their overlap), "
        f"ahead on {won} of {count}"
    )
