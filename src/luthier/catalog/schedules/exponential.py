"""Exponential decay down to gamma of the rate."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Return gamma to the share that is done: gamma is what is left at the end of the run.

    Source: `torch.optim.lr_scheduler.ExponentialLR`, whose gamma is ours to the power of one
    over the number of steps.

    >>> factor(Progress(50, 100, 10), Recipe(gamma=0.01))
    0.1
    """
    return float(recipe.gamma**progress.share)


EXPONENTIAL = Schedule("exponential", ("gamma",), factor, "torch.optim.lr_scheduler.ExponentialLR")
