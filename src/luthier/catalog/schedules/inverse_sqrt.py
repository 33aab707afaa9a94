"""Inverse square root: a linear warm-up, then a fall with the root of the steps."""

from __future__ import annotations

import math

from luthier.catalog.schedules.schedule import Progress, Schedule, warmup_steps
from luthier.core import Recipe

TIMESCALE = 0.1


def factor(progress: Progress, recipe: Recipe) -> float:
    """Rise in a straight line for the share `warmup` of the run, then fall as 1/sqrt(step).

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 5.3, with its top at the
    recipe's learning rate. Without a warm-up the rate stays constant for the first tenth of the
    run, as in Raffel et al. 2020 (T5): falling from the first step on would leave too little.

    >>> recipe = Recipe(warmup=0.1)
    >>> [factor(Progress(step, 100, 10), recipe) for step in (4, 9, 39)]
    [0.5, 1.0, 0.5]
    """
    warm = warmup_steps(recipe, progress.total)
    scale = max(1, warm or round(TIMESCALE * progress.total))
    if progress.step < scale:
        return (progress.step + 1) / warm if warm else 1.0
    return math.sqrt(scale / (progress.step + 1))


INVERSE_SQRT = Schedule(
    "inverse_sqrt", (), factor, "Vaswani et al. 2017, Attention Is All You Need", warms_up=True
)
