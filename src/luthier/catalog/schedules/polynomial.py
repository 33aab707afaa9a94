"""Polynomial decay."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Return the share that is left to the power of `power`, down to `end_factor`.

    Source: `torch.optim.lr_scheduler.PolynomialLR`; Chen et al. 2017, "DeepLab".

    >>> factor(Progress(5, 10, 1), Recipe(power=2.0))
    0.25
    """
    end = recipe.end_factor
    return float(end + (1 - end) * (1 - progress.share) ** recipe.power)


POLYNOMIAL = Schedule(
    "polynomial", ("power", "end_factor"), factor, "torch.optim.lr_scheduler.PolynomialLR"
)
