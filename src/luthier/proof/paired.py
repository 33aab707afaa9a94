"""Two runs on the same batches: is one of them lower, by blocks of steps?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from scipy import stats

BLOCKS = 8  # losses of steps that follow each other are alike: blocks of them are less so
SKIPPED = 0.25  # of the steps, at the beginning, where both still are where they began


@dataclass(frozen=True)
class Paired:
    """What two runs on the same batches came to.

    Args:
        verdict: ``lower``, ``higher`` or ``undecided``: of the second against the first.
        first, second: Mean loss, without the first steps; None where it became no number.
        p_value: Of a t-test on the blocks' differences; None where there is none.
    """

    verdict: Literal["lower", "higher", "undecided"]
    first: float | None
    second: float | None
    p_value: float | None = None


def paired(
    first: Sequence[float],
    second: Sequence[float],
    *,
    level: float = 0.05,
    blocks: int = BLOCKS,
    skipped: float = SKIPPED,
) -> Paired:
    """Compare losses of two runs that saw the same batches in the same order.

    Args:
        first: Loss of each step.
        second: The same; a run that stopped being a number ends with what it became.
        level: What the p-value must not exceed.
        blocks: Into how many the steps are cut; fewer steps than twice that decide nothing.
        skipped: Share of the steps at the beginning that are left out.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 80)
    >>> down = 1 - np.arange(80) / 200
    >>> paired(1 + noise, down + noise).verdict, paired(1 + noise, 1 + noise).verdict
    ('lower', 'undecided')
    >>> paired([1.0, float("nan")], [1.0, 0.9]).verdict
    'lower'
    """
    whole = [all(map(isfinite, one)) for one in (first, second)]
    begin = int(skipped * min(len(first), len(second)))
    means = [
        float(np.mean(one[begin:])) if fine and len(one) > begin else None
        for one, fine in zip((first, second), whole, strict=True)
    ]
    if not all(whole):
        said: Literal["lower", "higher", "undecided"] = "undecided"
        if any(whole):
            said = "lower" if whole[1] else "higher"
        return Paired(said, means[0], means[1])
    count = min(len(first), len(second))
    gaps = np.asarray(second[begin:count], np.float64) - np.asarray(first[begin:count], np.float64)
    if len(gaps) < 2 * blocks:
        return Paired("undecided", means[0], means[1])
    each = np.array([part.mean() for part in np.array_split(gaps, blocks)])
    if not each.any():
        return Paired("undecided", means[0], means[1], 1.0)
    p_value = float(stats.ttest_1samp(each, 0.0).pvalue)
    if not p_value <= level:
        return Paired("undecided", means[0], means[1], p_value)
    return Paired("lower" if each.mean() < 0 else "higher", means[0], means[1], p_value)
