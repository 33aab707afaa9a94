"""The median rule: end a trial that does worse than half of the others did so far."""

from __future__ import annotations

import math
import statistics

from luthier.core import History


def below_median(
    history: History, number: int, values: tuple[float, ...], *, startup: int = 5, warmup: int = 3
) -> bool:
    """Tell whether a trial's best value so far lies behind the median of the others'.

    For trials that cannot pause, whose end is final; so it is gentler than halving (Golovin et
    al. 2017, "Google Vizier"; Optuna's default).

    Args:
        history: The other trials, with the series ``reported``.
        number: The trial's number.
        values: What it reported so far.
        startup: Trials that must have got this far before any is ended: Optuna's choice.
        warmup: Reports that tell nothing yet.

    >>> below_median(History(), 0, (1.0,) * 5)
    False
    """
    if len(values) < warmup:
        return False
    sign = 1.0 if history.direction == "minimize" else -1.0
    others = [
        _best(series[: len(values)], sign)
        for trial in history.trials
        if trial.number != number
        and trial.state != "failed"
        and len(series := trial.curves.metrics.get("reported", ())) >= len(values)
    ]
    return len(others) >= startup and _best(values, sign) > statistics.median(others)


def _best(values: tuple[float, ...], sign: float) -> float:
    """Return the lowest of the numbers, infinity where there is none."""
    return min((sign * v for v in values if math.isfinite(v)), default=math.inf)
