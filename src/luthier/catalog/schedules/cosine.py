"""Cosine decay."""

from __future__ import annotations

import math

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Fall along half a cosine to `end_factor` at the end of the run.

    Source: Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts";
    `torch.optim.lr_scheduler.CosineAnnealingLR`.

    >>> round(factor(Progress(5, 10, 1), Recipe(end_factor=0.0)), 6)
    0.5
    """
    end = recipe.end_factor
    return end + (1 - end) * (1 + math.cos(math.pi * progress.share)) / 2


COSINE = Schedule("cosine", ("end_factor",), factor, "Loshchilov & Hutter 2017, SGDR")
