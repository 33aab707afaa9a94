"""What a schedule is: a factor on the learning rate as a function of progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from luthier.core import Recipe


class Progress(NamedTuple):
    """Where a run stands.

    Args:
        step: The update about to be taken, counted from 0.
        total: Updates of the full run: epochs times steps of an epoch.
        steps_per_epoch: Updates of one epoch.
        val_losses: Validation loss of every finished epoch; only `plateau` reads it.

    >>> Progress(step=25, total=100, steps_per_epoch=10).share
    0.25
    """

    step: int
    total: int
    steps_per_epoch: int
    val_losses: Sequence[float] = ()

    @property
    def share(self) -> float:
        """The share of the run that is done."""
        return self.step / self.total


@dataclass(frozen=True)
class Schedule:
    """A schedule as neutral data.

    Every length is a share of the run, so that a recipe means the same for any number of
    epochs; shares count the steps that follow the warm-up.

    Args:
        name: What a recipe calls it.
        keys: Recipe keys it reads besides `learning_rate` and `warmup`.
        factor: What the recipe's learning rate is multiplied with: between 0 and 1.
        reference: The source of the formula.
        warms_up: Whether the formula contains the warm-up.

    >>> from luthier.catalog.schedules import by_name
    >>> by_name("linear").factor(Progress(3, 4, 1), Recipe(end_factor=0.0))
    0.25
    """

    name: str
    keys: tuple[str, ...]
    factor: Callable[[Progress, Recipe], float]
    reference: str
    warms_up: bool = False


def warmup_steps(recipe: Recipe, total: int) -> int:
    """Return how many updates the warm-up takes.

    >>> warmup_steps(Recipe(warmup=0.05), 1000)
    50
    """
    return min(round(recipe.warmup * total), total)
