"""Bounds on metrics for strategies that know none: a trial that breaks one has a worse curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from luthier.core import History, Space, Step, Strategy, Trial

BOUNDED = "bounded metric"


@dataclass(frozen=True)
class Bounded:
    """Have a strategy look where a study's bounds hold.

    An epoch that breaks a bound counts as worse than the median trial, and the worse the further it
    breaks it: an exact penalty (Nocedal and Wright 2006, "Numerical Optimization", 17.2), its
    weights taken from what the trials so far come to. Curves keep their shape, so that trials
    pause and go on as ever: where all break a bound in their first epochs, those rank highest that
    are on the way. Which trial wins is not decided by this, but by `History.rank`.

    Args:
        strategy: Decides.
    """

    strategy: Strategy

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> Sequence[Step]:
        """Return the strategy's steps, by curves that have the penalty in them."""
        return self.strategy(space, penalised(history), rng)


def penalised(history: History) -> History:
    """Return a history whose curves are worse wherever they break a bound.

    >>> from luthier.core import Bound, Curves, Recipe
    >>> curves = Curves(metrics={"val_loss": (2.0, 1.0), "accuracy": (0.5, 0.9)})
    >>> bound = Bound("accuracy", "maximize", 0.8)
    >>> seen = penalised(History((Trial(0, Recipe(), 0, curves=curves),), bounds=(bound,)))
    >>> first, last = seen.trials[0].curves.metrics[seen.metric]
    >>> first > 2.0, last == 1.0
    (True, True)
    """
    if not history.bounds:
        return history
    broken = {trial.number: _broken(history, trial) for trial in history.trials}
    span = _span(history)
    scales = [
        median([each[-1][i] for each in broken.values() if each and 0 < each[-1][i] < math.inf])
        if any(each and 0 < each[-1][i] < math.inf for each in broken.values())
        else max(abs(bound.value), 1e-12)
        for i, bound in enumerate(history.bounds)
    ]
    sign = 1.0 if history.direction == "minimize" else -1.0
    trials = []
    for trial in history.trials:
        values = trial.curves.metrics.get(history.metric, ())
        each = [
            value + sign * span * _penalty(excesses, scales)
            for value, excesses in zip(values, broken[trial.number], strict=True)
        ]
        metrics = {**trial.curves.metrics, BOUNDED: tuple(each)}
        trials.append(replace(trial, curves=replace(trial.curves, metrics=metrics)))
    return replace(history, trials=tuple(trials), metric=BOUNDED, bounds=())


def _broken(history: History, trial: Trial) -> list[tuple[float, ...]]:
    """Return by how much each epoch of a trial breaks each bound."""
    count = len(trial.curves.metrics.get(history.metric, ()))
    columns = []
    for bound in history.bounds:
        series = trial.curves.metrics.get(bound.name, ())
        known = series if len(series) == count else (math.nan,) * count
        columns.append([bound.excess(value) for value in known])
    return list(zip(*columns, strict=True))


def _penalty(excesses: Sequence[float], scales: Sequence[float]) -> float:
    parts = [min(e / s, 10.0) for e, s in zip(excesses, scales, strict=True) if e > 0]
    return len(parts) + math.fsum(parts)


def _span(history: History) -> float:
    """Return how far the median trial lies behind the best; 1 where there is nothing to tell."""
    losses = sorted(loss for t in history.trials if (loss := history.loss(t)) != math.inf)
    if not losses:
        return 1.0
    middle = losses[len(losses) // 2]
    return (middle - losses[0]) or (losses[-1] - losses[0]) or max(abs(middle), 1e-12)
