"""Several goals for strategies that know one: a weighing of them that changes at each decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from luthier.core import Goal, History, Space, Step, Strategy, Trial, goals_of, value_of

WEIGHED = "weighed goals"


@dataclass(frozen=True)
class Scalarised:
    """Have a strategy look for the whole front of several goals.

    ParEGO (Knowles 2006): the goals, each on a scale from the best trial to the median one, are
    weighed by random numbers that are drawn anew at each decision, and the worst of them counts
    (an augmented Tchebycheff function, which reaches every point of a front). Every strategy
    works on that as on a loss, curves and pauses included.

    Args:
        strategy: Decides.
        goals: Beside the study's metric.
        metric_alone: Share of the decisions that look at the metric alone. The front's end with
            the best score needs the finest search, and is what is confirmed.
        trade: Weight of the sum beside the worst: Knowles' 0.05.
    """

    strategy: Strategy
    goals: tuple[Goal, ...]
    metric_alone: float = 0.25
    trade: float = 0.05

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> Sequence[Step]:
        """Return the strategy's steps for one weighing."""
        goals = goals_of(history, self.goals)
        alone = rng.random() < self.metric_alone
        weights = rng.dirichlet(np.ones(len(goals)))
        if alone or not history.trials:
            return self.strategy(space, history, rng)
        return self.strategy(space, self._weighed(history, goals, weights.tolist()), rng)

    def _weighed(
        self, history: History, goals: Sequence[Goal], weights: Sequence[float]
    ) -> History:
        scales = [_scale(history, goal) for goal in goals]
        trials = []
        for trial in history.trials:
            placed = [
                [scale(goal.signed(value)) for value in series]
                for goal, scale, series in zip(
                    goals, scales, _series(trial, goals, len(trial.curves)), strict=True
                )
            ]
            weighed = []
            for values in zip(*placed, strict=True):
                parts = [w * v for w, v in zip(weights, values, strict=True)]
                weighed.append(max(parts) + self.trade * math.fsum(parts))
            metrics = {**trial.curves.metrics, WEIGHED: tuple(weighed)}
            trials.append(replace(trial, curves=replace(trial.curves, metrics=metrics)))
        return replace(history, trials=tuple(trials), metric=WEIGHED, direction="minimize")


def _series(trial: Trial, goals: Sequence[Goal], epochs: int) -> list[tuple[float, ...]]:
    """Return each goal's curve; what is measured once is as flat as it is."""
    found: list[tuple[float, ...]] = []
    for goal in goals:
        known = trial.curves.metrics.get(goal.name, ())
        if len(known) == epochs:
            found.append(known)
        else:
            value = value_of(trial, goal.name)
            found.append((math.nan if value is None else value,) * epochs)
    return found


class _scale:
    """Places values from the best trial, 0, to the median one, 1; costs by their logarithm."""

    def __init__(self, history: History, goal: Goal) -> None:
        known = [v for t in history.trials if (v := value_of(t, goal.name)) is not None]
        self._log = goal.direction == "minimize" and bool(known) and min(known) > 0
        self._known = bool(known)
        placed = sorted(self._of(goal.signed(value)) for value in known)
        self._low = placed[0] if placed else 0.0
        middle = placed[len(placed) // 2] if placed else 1.0
        spread = middle - self._low
        self._span = spread if spread > 0 else max((placed or [1.0])[-1] - self._low, 1e-12)

    def _of(self, value: float) -> float:
        return math.log(value) if self._log and value > 0 else value

    def __call__(self, value: float) -> float:
        if not self._known:
            return 0.0  # nobody has it yet: it cannot tell trials apart
        if not math.isfinite(value):
            return math.inf
        return (self._of(value) - self._low) / self._span
