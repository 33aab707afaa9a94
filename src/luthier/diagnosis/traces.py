"""What rules read off a trace: sampled steps by layer, counts, and what a training came to."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from luthier.core import Run
from luthier.diagnosis.evidence import LARGEST, chance, finite, training
from luthier.diagnosis.statistics import level, tail


def layers(run: Run, kind: str) -> dict[str, list[float]]:
    """Return what was measured of each layer or tensor at sampled steps, in the network's order.

    >>> from luthier.core import Trace
    >>> trace = Trace((1, 2), {"dead_units/fc": (math.nan, 0.5), "loss": (1.0, 1.0)})
    >>> layers(Run(trace=trace), "dead_units")
    {'fc': [0.5]}
    """
    found = {}
    for name, series in run.trace.series.items():
        head, _, layer = name.partition("/")
        values = [one for one in series if not math.isnan(one)]
        if head == kind and layer and values:
            found[layer] = values
    return found


def ends_at(values: Sequence[float]) -> float:
    """Return the level that a sampled series ends at."""
    return level(tail(values))


def epoch_of(run: Run, step: int) -> int | None:
    """Return the epoch of a step, counted from 1; None where no epoch was logged.

    >>> from luthier.core import Trace
    >>> epoch_of(Run(trace=Trace(facts={"epoch_ends": (10, 20)})), 11)
    2
    """
    ends = run.trace.facts.get("epoch_ends", ())
    return min(bisect.bisect_left(ends, step) + 1, len(ends)) if ends else None


def ended(run: Run) -> bool:
    """Tell whether the training loss was no number at the end."""
    losses = run.curves.train_loss
    return bool(losses) and not abs(losses[-1]) < LARGEST


def left(run: Run) -> float | None:
    """Return the last training loss as a share of guessing's; None where that is not known.

    >>> from luthier.core import Curves, Trace
    >>> trace = Trace(facts={"loss_of_guessing": 2.0})
    >>> left(Run(Curves(train_loss=(2.0, 1.0, 1.0, 1.0)), trace=trace))
    0.5
    """
    guess, (_, values) = chance(run), training(run)
    values = values or finite(run.trace.series.get("loss", ()))
    return level(tail(values)) / guess if guess and values else None
