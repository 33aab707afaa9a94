"""What run rules read: the evidence of one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.core.curves import Curves, Series
from luthier.core.recipe import Recipe
from luthier.core.task import Task


@dataclass(frozen=True)
class Trace:
    """What was seen within epochs, for whoever watches a loop step by step.

    Args:
        steps: Numbers of the sampled steps, counted from 1.
        series: One value a sampled step, NaN where there was none, by name as in
            `Curves.signals`: ``loss``, ``learning_rate``, ``gradient_norm/fc1.weight``, ….
        counts: How often something happened, by name.
        facts: What holds for the whole training, by name.
    """

    steps: tuple[int, ...] = ()
    series: Mapping[str, Series] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One training, as far as it was seen.

    Args:
        curves: One value an epoch. Empty series were not observed.
        recipe: How it was trained, if that is known.
        task: What was to be learned, if that is known.
        trace: What was seen within epochs.
    """

    curves: Curves = field(default_factory=Curves)
    recipe: Recipe | None = None
    task: Task | None = None
    trace: Trace = field(default_factory=Trace)
