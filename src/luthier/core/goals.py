"""Goals: what a study wants beside its metric, and which trials no other one beats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from luthier.core.trial import History, Trial

# What a network costs, measured once a trial where a goal or a limit asks for it.
MEASURED = ("parameters", "latency_ms", "training_seconds")
OVER = "over the limit"  # how the cause of a trial begins that no network of it was trained
_SHORT = {
    "params": "parameters",
    "latency": "latency_ms",
    "training_time": "training_seconds",
}


def goal_name(name: str) -> str:
    """Return the full name of a goal that may be called by a short one.

    >>> goal_name("params"), goal_name("accuracy")
    ('parameters', 'accuracy')
    """
    return _SHORT.get(name, name)


@dataclass(frozen=True)
class Goal:
    """Something to minimise or maximise: a metric, or what a network costs.

    Args:
        name: A metric of the task, a name that an objective reports, or one of `MEASURED`.
        direction: ``minimize`` or ``maximize``.
    """

    name: str
    direction: str = "minimize"

    def signed(self, value: float) -> float:
        """Return a value so that lower is better."""
        return value if self.direction == "minimize" else -value


def value_of(trial: Trial, name: str, epoch: int | None = None) -> float | None:
    """Return what a trial came to; None where that was not measured.

    Args:
        trial: The trial.
        name: A metric's, or one of `MEASURED`. ``training_seconds`` is the time of a full
            training at the median pace of its epochs, however far it went.
        epoch: The epoch whose weights count, from 1; by default the last one.

    >>> from luthier.core import Curves, Recipe
    >>> curves = Curves(signals={"parameters": (10.0, 10.0)}, seconds=(0.5, 0.7))
    >>> trial = Trial(0, Recipe(epochs=10), 0, curves=curves)
    >>> value_of(trial, "parameters"), value_of(trial, "training_seconds")
    (10.0, 6.0)
    """
    curves = trial.curves
    if name == "training_seconds":
        return median(curves.seconds) * trial.recipe.epochs if curves.seconds else None
    series = curves.metrics.get(name) or curves.signals.get(name) or ()
    if not series and name == "val_loss":
        series = curves.val_loss
    place = len(series) if epoch is None else min(epoch, len(series))
    value = series[place - 1] if place else math.nan
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Compromise:
    """A trial that no other one beats in every goal.

    Args:
        trial: The trial.
        values: What it came to, by goal.
    """

    trial: Trial
    values: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, its recipe included."""
        trial = self.trial
        return {
            "trial": trial.number,
            "values": dict(self.values),
            "recipe": trial.recipe.to_json(),
        }


def goals_of(history: History, further: Sequence[Goal]) -> tuple[Goal, ...]:
    """Return all goals of a study, the one that decides first."""
    first = Goal(history.metric, history.direction)
    return (first, *(goal for goal in further if goal.name != first.name))


def pareto_front(history: History, further: Sequence[Goal]) -> tuple[Compromise, ...]:
    """Return the trials that no other one beats: as good in every goal and better in one.

    A trial counts with the epoch whose weights it keeps. Failed ones, those that lack a value and
    those that break a bound are none. The best by the metric comes first.

    Args:
        history: The trials.
        further: Goals beside the metric.
    """
    goals = goals_of(history, further)
    points: list[tuple[tuple[float, ...], Compromise]] = []
    for trial in history.searched.trials:
        epoch = trial.curves.best_epoch(history.metric, history.direction)
        if epoch is None or trial.state == "failed" or history.excess(trial):
            continue
        found = {goal.name: value_of(trial, goal.name, epoch) for goal in goals}
        known = {name: value for name, value in found.items() if value is not None}
        if len(known) == len(goals):
            signed = tuple(goal.signed(known[goal.name]) for goal in goals)
            points.append((signed, Compromise(trial, known)))
    points.sort(key=lambda point: (point[0], point[1].trial.number))
    front: list[tuple[tuple[float, ...], Compromise]] = []
    for place, one in points:
        if not any(all(a <= b for a, b in zip(kept, place, strict=True)) for kept, _ in front):
            front.append((place, one))
    return tuple(one for _, one in front)
