"""Compare two sets of runs that somebody else trained and logged."""

from __future__ import annotations

from math import fsum, isfinite
from typing import Any

from luthier.catalog import metrics
from luthier.core import Cost, Curves, DataError, did_you_mean
from luthier.data.logs import read_log
from luthier.loop.comparing.sides import files_of, name_of
from luthier.proof import judge_seeds
from luthier.report.comparison import Compared, Side

METHOD = "Welch's t-test of the best epochs of runs, and its interval"
_KNOWN = {one.name: one.direction for one in metrics.ALL}
_LOWER = ("loss", "error", "rmse", "mse", "mae", "perplexity")


def compare_runs(
    a: Any, b: Any, metric: str | None, min_difference: float | None, cost: str
) -> Compared:
    """Judge logged runs by the best epoch of each.

    Raises:
        DataError: for logs that lack the metric.
    """
    logs = [[_curves(one) for one in files_of(side)] for side in (a, b)]
    goal = metric or "val_loss"
    direction = _direction(goal)
    names = _names(a, b)
    sides = []
    for name, curves in zip(names, logs, strict=True):
        scores = tuple(_best(one, goal, direction, name) for one in curves)
        times = [fsum(one.seconds) for one in curves if one.seconds]
        sides.append(Side(name, scores, cost=Cost(training_time=_mean(times))))
    about: dict[str, Any] = {
        "kind": "runs",
        "metric": goal,
        "direction": direction,
        "a": sides[0],
        "b": sides[1],
        "cost": "training_time" if cost == "parameters" else cost,
        "epochs_spent": 0,
        "notes": (
            "the best epoch of each run was chosen by the rows that it is judged by, which "
            "flatters both: what is claimed is a difference on those rows",
        ),
    }
    if min(len(side.scores) for side in sides) < 2:
        reason = (
            "one run of either says nothing of another one; three of each show how much runs differ"
        )
        return Compared(**about, reason=reason)
    sign = 1.0 if direction == "maximize" else -1.0
    one, other = ([sign * score for score in side.scores] for side in sides)
    verdict = judge_seeds(one, other, min_difference=min_difference)
    return Compared(**about, verdict=verdict, method=METHOD)


def _curves(one: Any) -> Curves:
    return one if isinstance(one, Curves) else read_log(one).curves


def _direction(metric: str) -> str:
    """Return whether less is better: of a loss and of an error it is."""
    if metric in _KNOWN:
        return _KNOWN[metric]
    return "minimize" if any(word in metric.lower() for word in _LOWER) else "maximize"


def _best(curves: Curves, metric: str, direction: str, name: str) -> float:
    series = {**curves.metrics, "val_loss": curves.val_loss, "train_loss": curves.train_loss}
    values = [value for value in series.get(metric, ()) if isfinite(value)]
    if not values:
        known = [one for one, found in series.items() if found]
        raise DataError(
            f"a run of {name} has no {metric}.{did_you_mean(metric, known)} It has "
            f"{', '.join(known)}. Write --metric {known[0] if known else 'val_loss'}."
        )
    return min(values) if direction == "minimize" else max(values)


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _names(a: Any, b: Any) -> tuple[str, str]:
    one, other = name_of(a, "A"), name_of(b, "B")
    return (one, other) if one != other else ("A", "B")
