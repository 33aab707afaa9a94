"""Step decay: the rate is multiplied by gamma at equal distances."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Return gamma to the number of finished stages, each `step_size` of the run long.

    Source: `torch.optim.lr_scheduler.StepLR`.

    >>> recipe = Recipe(gamma=0.5, step_size=0.25)
    >>> [factor(Progress(step, 8, 1), recipe) for step in range(8)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]
    """
    size = max(1, round(recipe.step_size * progress.total))
    return float(recipe.gamma ** (progress.step // size))


STEP = Schedule("step", ("gamma", "step_size"), factor, "torch.optim.lr_scheduler.StepLR")
