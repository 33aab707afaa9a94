"""Batch sizes: how fast each trains, and how well."""

from __future__ import annotations

from dataclasses import dataclass, field

from luthier.core.recipe import Recipe


@dataclass(frozen=True)
class BatchSize:
    """One batch size.

    Args:
        size: Rows of a step.
        updates: Steps of an epoch.
        steps: Steps a second.
        rows: Rows a second.
        allowed: Whether it leaves enough updates.
        learning_rate: Found for this size; None where it was not tuned, or nothing learns.
        loss: Mean validation score with it, turned so that lower is better.
        spread: Standard deviation between seeds.
    """

    size: int
    updates: int
    steps: float
    rows: float
    allowed: bool = True
    learning_rate: float | None = None
    loss: float | None = None
    spread: float | None = None


@dataclass(frozen=True)
class BatchSizes:
    """What `luthier batch` found.

    Args:
        metric: The metric that decides.
        direction: ``minimize`` or ``maximize``.
        chosen: The size to train with.
        reason: Why no larger one.
        sizes: Those that were tried, smallest first.
        recipe: What to go on with: the chosen size, and the rate that was found for it. Momentum
            and regularisers are those of the size before, and stale.
    """

    metric: str
    direction: str
    chosen: int
    reason: str
    sizes: tuple[BatchSize, ...]
    recipe: Recipe = field(default_factory=Recipe)
