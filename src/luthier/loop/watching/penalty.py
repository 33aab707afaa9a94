"""The penalty on weights in a loop that is watched: what no loss function says."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from luthier.core import Curves, Trace

LEAST = 4  # epochs with a sampled step
PART = 0.2  # of what is logged that must be unexplained, to be a penalty
VARIES = 1.3  # largest over smallest sum of squares: of one that stays, any constant would fit
FITS = 0.15  # relative spread of the factor: samples of batches vary by as much
NEAR = (0.7, 1.4)  # logged over sampled loss that is the same but for batches that were drawn


def penalised(
    curves: Curves, trace: Trace, ends: Sequence[int], decay: float
) -> tuple[Curves, float]:
    """Return curves with the penalty apart from the data loss, and its factor.

    An optimizer's own decay is known. What a loop adds to its loss is not: but if the part of the
    logged loss that the loss function did not return goes with the sum of squared weights from
    epoch to epoch, it is that sum times a factor.

    Args:
        curves: As they were logged.
        trace: With sampled losses and sums of squares.
        ends: The last step of each epoch.
        decay: The factor of the optimizer's own penalty, 0 without one.

    >>> logged = tuple(0.5 + 0.01 * s for s in (100, 80, 60, 40, 20))
    >>> series = {"loss": (0.5,) * 5, "weight_squares": (100.0, 80.0, 60.0, 40.0, 20.0)}
    >>> seen = Trace(steps=(1, 2, 3, 4, 5), series=series)
    >>> found, factor = penalised(Curves(train_loss=logged), seen, (1, 2, 3, 4, 5), 0.0)
    >>> round(factor, 4), [round(one, 2) for one in found.train_loss]
    (0.01, [0.5, 0.5, 0.5, 0.5, 0.5])
    """
    squares = _means(trace, "weight_squares", ends)
    if curves.penalty or len(squares) < LEAST:
        return curves, 0.0
    if decay > 0.0:
        whole = _whole(squares, len(ends))
        return dataclasses.replace(curves, penalty=tuple(decay * s for s in whole)), 0.0
    data, logged = _means(trace, "loss", ends), curves.train_loss
    known = [
        i for i in data.keys() & squares.keys()
        if i < len(logged) and math.isfinite(logged[i]) and squares[i] > 0.0
    ]  # fmt: skip
    if len(known) < LEAST:
        return curves, 0.0
    rest = [logged[i] - data[i] for i in known]
    sums = [squares[i] for i in known]
    factors = [r / s for r, s in zip(rest, sums, strict=True)]
    middle = statistics.median(factors)
    spread = statistics.median(abs(one - middle) for one in factors)
    part = statistics.median(
        r / max(abs(logged[i]), 1e-30) for r, i in zip(rest, known, strict=True)
    )
    if part < PART or max(sums) < VARIES * min(sums) or spread > FITS * middle:
        return curves, 0.0
    penalty = tuple(middle * s for s in _whole(squares, len(logged)))
    train = tuple(a - b for a, b in zip(logged, penalty, strict=True))
    return dataclasses.replace(curves, penalty=penalty, train_loss=train), middle


def is_data_loss(curves: Curves, trace: Trace, ends: Sequence[int]) -> bool:
    """Tell whether what was logged as training loss is what the loss function returned.

    >>> seen = Trace(steps=(1, 2, 3, 4), series={"loss": (1.0, 0.9, 0.8, 0.7)})
    >>> is_data_loss(Curves(train_loss=(1.0, 0.9, 0.8, 0.7)), seen, (1, 2, 3, 4))
    True
    """
    data, logged = _means(trace, "loss", ends), curves.train_loss
    ratios = [logged[i] / v for i, v in data.items() if i < len(logged) and v > 0.0]
    return len(ratios) >= LEAST and NEAR[0] <= statistics.median(ratios) <= NEAR[1]


def _means(trace: Trace, name: str, ends: Sequence[int]) -> dict[int, float]:
    """Return the mean of an epoch's sampled steps, by epoch."""
    series, found = trace.series.get(name, ()), dict[int, list[float]]()
    epoch = 0
    for step, value in zip(trace.steps, series, strict=False):
        while epoch < len(ends) and step > ends[epoch]:
            epoch += 1
        if epoch < len(ends) and math.isfinite(value):
            found.setdefault(epoch, []).append(value)
    return {epoch: statistics.fmean(values) for epoch, values in found.items()}


def _whole(known: dict[int, float], count: int) -> list[float]:
    """Return one value an epoch; where none is known it is that of the epoch before."""
    values, last = [], next(iter(known.values()))
    for epoch in range(count):
        last = known.get(epoch, last)
        values.append(last)
    return values
