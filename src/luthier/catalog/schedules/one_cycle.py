"""One cycle: up to the rate, then far down, both along a cosine."""

from __future__ import annotations

import math

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe

START = 1 / 25
END = START / 1e4


def factor(progress: Progress, recipe: Recipe) -> float:
    """Rise from a 25th for the share `peak` of the run, then fall to a 250,000th.

    Source: Smith & Topin 2018, "Super-Convergence"; `torch.optim.lr_scheduler.OneCycleLR` with
    its default factors and without cycling the momentum. The recipe's learning rate is the peak.

    >>> [round(factor(Progress(step, 11, 1), Recipe(peak=0.5)), 3) for step in (0, 4, 5, 10)]
    [0.04, 0.971, 0.98, 0.0]
    """
    top, last = recipe.peak * progress.total - 1, progress.total - 1
    if progress.step <= top:
        return _between(START, 1.0, progress.step / top if top > 0 else 1.0)
    return _between(1.0, END, (progress.step - top) / (last - top))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


ONE_CYCLE = Schedule("one_cycle", ("peak",), factor, "Smith & Topin 2018, Super-Convergence")
