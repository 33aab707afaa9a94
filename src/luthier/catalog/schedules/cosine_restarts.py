"""Cosine decay, several times over."""

from __future__ import annotations

import math

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Fall along half a cosine to `end_factor`, `cycles` times, each equally long.

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts";
    `torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(T_mult=1)`.

    >>> recipe = Recipe(cycles=2, end_factor=0.0)
    >>> [round(factor(Progress(step, 8, 1), recipe), 6) for step in (0, 2, 4, 6)]
    [1.0, 0.5, 1.0, 0.5]
    """
    end = recipe.end_factor
    share = progress.step * recipe.cycles % progress.total / progress.total
    return end + (1 - end) * (1 + math.cos(math.pi * share)) / 2


COSINE_RESTARTS = Schedule(
    "cosine_restarts", ("cycles", "end_factor"), factor, "Loshchilov & Hutter 2017, SGDR"
)
