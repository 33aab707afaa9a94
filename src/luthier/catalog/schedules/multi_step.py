"""Step decay at chosen moments."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Return gamma to the number of `milestones`, shares of the run, that have passed.

    Source: `torch.optim.lr_scheduler.MultiStepLR`; the decay of He et al. 2016, "Deep Residual
    Learning for Image Recognition".

    >>> recipe = Recipe(gamma=0.1, milestones=(0.5, 0.75))
    >>> [round(factor(Progress(step, 4, 1), recipe), 3) for step in range(4)]
    [1.0, 1.0, 0.1, 0.01]
    """
    passed = sum(round(share * progress.total) <= progress.step for share in recipe.milestones)
    return float(recipe.gamma**passed)


MULTI_STEP = Schedule(
    "multi_step", ("gamma", "milestones"), factor, "torch.optim.lr_scheduler.MultiStepLR"
)
