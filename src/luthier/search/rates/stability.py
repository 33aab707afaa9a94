"""Stable or not: what some hundred steps say, and what the tuning playbook does about it.

Source: Godbole et al. 2023, "Deep Learning Tuning Playbook", "How can optimization failures be
debugged and mitigated?".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

STEPS = 500  # "within the first few hundred steps" of a rate that is too high
WARMUPS = (10, 1_000, 10_000, 100_000)  # steps, in the order in which they are tried
WARMUP_SHARE = 0.1  # of a training, at most: more of it is lost to small rates
CLIP_AT = 0.9  # quantile of gradient norms
CLIPPED = 0.5  # share of updates beyond which clipping is a lower rate by another name


def unstable(losses: Sequence[float], *, spike: float = 3.0, rise: float = 0.1) -> str | None:
    """Return in words what is unstable about some steps; None where nothing is.

    Args:
        losses: Of each step; the first ones are those of the untrained network.
        spike: Times the first losses that two of three steps may not reach. One odd batch is no
            spike, and batches seldom differ by so much.
        rise: Share of the first losses by which the last ones may lie above them; or by three
            standard errors of their noise, where that is more.

    >>> unstable([2.3] * 5 + [2.0] * 20 + [1.5] * 30)
    >>> unstable([2.3] * 5 + [9.0] * 20 + [1.5] * 30)
    'the loss rose to 9, 3.9 times the first, at step 7'
    >>> unstable([2.3, 2.0, float("nan")])
    'the loss is not a number at step 3'
    """
    for step, loss in enumerate(losses, start=1):
        if not math.isfinite(loss):
            return f"the loss is not a number at step {step}"
    if len(losses) < 20:
        return None
    begun = losses[:10]
    first = min(median(losses[:3]), median(begun))
    rolled = [median(losses[i - 3 : i]) for i in range(3, len(losses) + 1)]
    over = [i + 3 for i, value in enumerate(rolled) if value > spike * max(first, 1e-12)]
    if over:
        worst = max(rolled)
        return (
            f"the loss rose to {worst:.3g}, {worst / first:.2g} times the first, at step {over[0]}"
        )
    middle = median(begun)
    scatter = 1.48 * median([abs(loss - middle) for loss in begun])
    last = median(losses[-max(10, len(losses) // 10) :])
    # 1.25 / sqrt(10) of the scatter is the error of a median of ten; two of them are compared.
    if last > middle + max(rise * middle, 3 * 0.56 * scatter):
        return f"the loss ends at {last:.3g}, above the first, {middle:.3g}"
    return None


def warmups(total: int, *, share: float = WARMUP_SHARE) -> list[int]:
    """Return the lengths of warm-up to try for a training of some steps, the shortest first.

    >>> warmups(20_000), warmups(50)
    ([10, 1000], [])
    """
    return [steps for steps in WARMUPS if steps <= share * total]


def clip_norm(norms: Sequence[float], *, quantile: float = CLIP_AT) -> float | None:
    """Return the gradient norm to clip at, to two digits; None where there is no finite one.

    >>> clip_norm([float(n) for n in range(1, 11)])
    9.0
    """
    finite = sorted(norm for norm in norms if math.isfinite(norm))
    if not finite:
        return None
    found = finite[min(int(quantile * len(finite) + 1e-9), len(finite)) - 1]
    return float(f"{found:.2g}") if found > 0 else None


def clipped(norms: Sequence[float], limit: float) -> float:
    """Return the share of updates that a limit would clip.

    >>> clipped([1.0, 2.0, 3.0, 4.0], 2.5)
    0.5
    """
    return sum(not norm <= limit for norm in norms) / max(len(norms), 1)
