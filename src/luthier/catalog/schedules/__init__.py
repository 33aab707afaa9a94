"""Learning-rate schedules: one file each, the numbers of `torch.optim.lr_scheduler`.

To add one: a file with its `factor` and its `Schedule`, and an entry in `ALL`.
"""

from __future__ import annotations

from luthier.catalog.lookup import lookup
from luthier.catalog.schedules.constant import CONSTANT
from luthier.catalog.schedules.cosine import COSINE
from luthier.catalog.schedules.cosine_restarts import COSINE_RESTARTS
from luthier.catalog.schedules.exponential import EXPONENTIAL
from luthier.catalog.schedules.inverse_sqrt import INVERSE_SQRT
from luthier.catalog.schedules.linear import LINEAR
from luthier.catalog.schedules.multi_step import MULTI_STEP
from luthier.catalog.schedules.one_cycle import ONE_CYCLE
from luthier.catalog.schedules.plateau import PLATEAU
from luthier.catalog.schedules.polynomial import POLYNOMIAL
from luthier.catalog.schedules.schedule import Progress, Schedule, warmup_steps
from luthier.catalog.schedules.step import STEP
from luthier.catalog.schedules.warmup_stable_decay import WARMUP_STABLE_DECAY
from luthier.core import Recipe

__all__ = [
    "ALL",
    "Progress",
    "Schedule",
    "by_name",
    "learning_rate",
    "learning_rates",
    "warmup_steps",
]

ALL: tuple[Schedule, ...] = (
    CONSTANT,
    STEP,
    MULTI_STEP,
    EXPONENTIAL,
    POLYNOMIAL,
    LINEAR,
    COSINE,
    COSINE_RESTARTS,
    ONE_CYCLE,
    INVERSE_SQRT,
    WARMUP_STABLE_DECAY,
    PLATEAU,
)


def by_name(name: str) -> Schedule:
    """Return the schedule of that name.

    Raises:
        RecipeError: for a name that no schedule has.

    >>> by_name("cosine").keys
    ('end_factor',)
    """
    return lookup(ALL, name, "schedule")


def learning_rate(recipe: Recipe, progress: Progress) -> float:
    """Return the learning rate of the update about to be taken.

    The first `warmup` share of all steps rises in a straight line to where the schedule starts;
    the schedule then runs over the steps that remain.

    >>> recipe = Recipe(learning_rate=0.1, warmup=0.2, schedule="linear")
    >>> [round(learning_rate(recipe, Progress(step, 10, 5)), 4) for step in range(5)]
    [0.05, 0.1, 0.1, 0.0875, 0.075]
    """
    return learning_rates(recipe, progress, 1)[0]


def learning_rates(recipe: Recipe, progress: Progress, count: int) -> list[float]:
    """Return the learning rates of the next updates, all before the next validation loss.

    >>> recipe = Recipe(learning_rate=0.1, schedule="linear")
    >>> [round(rate, 4) for rate in learning_rates(recipe, Progress(0, 10, 5), 3)]
    [0.1, 0.09, 0.08]
    """
    if recipe.schedule == CONSTANT.name and not recipe.warmup:
        return [recipe.learning_rate] * count
    schedule, (first, total, an_epoch, val_losses) = by_name(recipe.schedule), progress
    rate, factor, warm = recipe.learning_rate, schedule.factor, 0
    if not schedule.warms_up:
        warm = warmup_steps(recipe, total)
    rest = max(total - warm, 1)
    return [
        rate
        * factor(Progress(max(step - warm, 0), rest, an_epoch, val_losses), recipe)
        * ((step + 1) / warm if step < warm else 1.0)
        for step in range(first, first + count)
    ]
