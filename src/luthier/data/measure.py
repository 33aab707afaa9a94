"""Which metric decides, and which are shown beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.catalog import metrics
from luthier.core import DataError, did_you_mean


def measures(kind: str) -> tuple[str, ...]:
    """Return the names of the metrics of a kind of task.

    >>> measures("regression")
    ('rmse', 'mse', 'mae', 'r2')
    """
    return tuple(one.name for one in metrics.ALL if one.kind == kind)


def choose_metric(
    kind: str,
    counts: Any,
    metric: str | None = None,
    *,
    imbalance: float = 3.0,
    positions: int = 0,
    also: tuple[str, ...] = (),
) -> tuple[str, str, tuple[str, ...]]:
    """Return the metric that decides, its direction, and the metrics that are shown.

    Log-loss decides where nothing is asked: it changes with every weight, while accuracy moves
    in steps of a row and cannot tell two good recipes apart.

    Args:
        kind: ``classification`` or ``regression``.
        counts: Rows of each class.
        metric: What the user asks for.
        imbalance: From this ratio of the largest class to the smallest, classes count the same
            and not rows: with 3 to 1, always naming the larger of two is right in 75 %.
        positions: Axes of a row's positions, of which each has a class: 1 for tokens, 2 for
            pixels. Uneven classes are the rule there, and all positions count the same; of
            pixels the overlap of found and true places is shown, too.
        also: Further metrics to show, where they measure such a task: a limit or a goal asks for
            them, and says itself when nobody measures one.

    Raises:
        DataError: for a metric that there is not, or not for this kind of task.
    """
    known = measures(kind)
    if kind == "classification":
        uneven = not positions and np.max(counts) >= imbalance * np.min(counts)
        default = "balanced_log_loss" if uneven else "log_loss"
        shown = ("balanced_accuracy", "accuracy") if uneven else ("accuracy",)
        shown = ("mean_iou", *shown) if positions > 1 else shown
    else:
        default, shown = "rmse", ("r2", "mae")
    metric = metric or default
    if metric not in known:
        others = [one.name for one in metrics.ALL]
        why = f" It does not measure {kind}." if metric in others else did_you_mean(metric, others)
        raise DataError(
            f"metric is '{metric}'.{why} For {kind} it is one of {', '.join(known)}. "
            f"Use --metric {default}, or leave it out."
        )
    shown = tuple(dict.fromkeys((*shown, *(name for name in also if name in known))))
    return (
        metric,
        metrics.by_name(metric).direction,
        tuple(name for name in shown if name != metric),
    )
