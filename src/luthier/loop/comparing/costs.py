"""What networks cost: counted in their weights, timed on rows, read off their trainings."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import fsum
from statistics import fmean, median

from luthier.core import COSTS, Cost, LuthierError, State, Trial


def check_cost(name: str) -> str:
    """Return the name of a cost.

    Raises:
        LuthierError: for one that there is not.
    """
    if name not in COSTS:
        raise LuthierError(
            f"cost is '{name}'. What decides between equals is one of {', '.join(COSTS)}. "
            "Write --cost latency, or leave it out."
        )
    return name


def check_difference(value: float | None) -> float | None:
    """Return the smallest difference that matters.

    Raises:
        LuthierError: for one that is not above 0.
    """
    if value is not None and not value > 0:
        raise LuthierError(
            f"the smallest difference that matters is {value:g}. It is a size in units of the "
            "metric, above 0. Write --min-difference 0.005, or leave it out: then each counts."
        )
    return value


def cost_of(
    state: State,
    trials: Sequence[Trial],
    predict: Callable[[], object],
    rows: int,
    *,
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> Cost:
    """Return what a recipe costs.

    Args:
        state: Of one of its trainings.
        trials: Its trainings.
        predict: Has the network of that state answer some rows.
        rows: How many.
        repeats: The median of five is not disturbed by two that something else held up.
        clock: Gives the time.
    """
    times = []
    for _ in range(repeats):
        began = clock()
        predict()
        times.append(clock() - began)
    seconds = fmean(fsum(trial.curves.seconds) for trial in trials)
    return Cost(
        parameters=sum(int(value.size) for value in state.group("weights").values()),
        latency=1000 * median(times) / max(rows, 1),
        training_time=seconds,
    )
