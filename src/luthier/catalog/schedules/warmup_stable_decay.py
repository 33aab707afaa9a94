"""Warm-up, stable, decay: constant, then a straight line down at the end."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Stay at 1, then fall in a straight line to `end_factor` over the last `decay_share`.

    Source: Hu et al. 2024, "MiniCPM"; Zhai et al. 2022, "Scaling Vision Transformers" (cooldown).

    >>> recipe = Recipe(decay_share=0.5, end_factor=0.0)
    >>> [factor(Progress(step, 8, 1), recipe) for step in (0, 4, 6)]
    [1.0, 1.0, 0.5]
    """
    decay = max(1, round(recipe.decay_share * progress.total))
    done = max(0.0, progress.step - (progress.total - decay)) / decay
    return 1 + (recipe.end_factor - 1) * done


WARMUP_STABLE_DECAY = Schedule(
    "warmup_stable_decay", ("decay_share", "end_factor"), factor, "Hu et al. 2024, MiniCPM"
)
