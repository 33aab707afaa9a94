"""Plateau: the rate falls when the validation loss stops falling."""

from __future__ import annotations

import math

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe

THRESHOLD = 1e-4


def factor(progress: Progress, recipe: Recipe) -> float:
    """Multiply by gamma after more than `plateau_patience` epochs in a row without improvement.

    Source: `torch.optim.lr_scheduler.ReduceLROnPlateau` with its relative threshold of 1e-4. It
    replays the validation losses, so nothing needs to be kept beside them; torch's rule that
    changes below 1e-8 are left out is not followed.

    >>> recipe = Recipe(gamma=0.5, plateau_patience=1)
    >>> [factor(Progress(9, 90, 9, (1.0, *[2.0] * bad)), recipe) for bad in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    best, bad, value = math.inf, 0, 1.0
    for loss in progress.val_losses:
        better = loss < best - abs(best) * THRESHOLD if math.isfinite(best) else loss < best
        best, bad = (loss, 0) if better else (best, bad + 1)
        if bad > recipe.plateau_patience:
            value, bad = value * recipe.gamma, 0
    return value


PLATEAU = Schedule(
    "plateau",
    ("gamma", "plateau_patience"),
    factor,
    "torch.optim.lr_scheduler.ReduceLROnPlateau",
)
