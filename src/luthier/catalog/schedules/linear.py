"""Linear decay."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Fall in a straight line to `end_factor` at the end of the run.

    Source: `torch.optim.lr_scheduler.LinearLR`.

    >>> factor(Progress(5, 10, 1), Recipe(end_factor=0.0))
    0.5
    """
    return 1 + (recipe.end_factor - 1) * progress.share


LINEAR = Schedule("linear", ("end_factor",), factor, "torch.optim.lr_scheduler.LinearLR")
