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


def beyond_the_loss(run: Run, *, samples: int = 3) -> tuple[float, float] | None:
    """Return what of the logged training loss is none of the loss function's, and the latter's end.

    The share is that of the second half of all steps, in the middle; a penalty on the weights that
    a loop adds by hand is such a part. None where too few steps of a watched loop were sampled.

    >>> from luthier.core import Curves, Trace
    >>> facts = {"epoch_ends": (10, 20, 30, 40)}
    >>> trace = Trace((25, 30, 35, 40), {"loss": (0.25, 0.25, 0.25, 0.25)}, facts=facts)
    >>> beyond_the_loss(Run(Curves(train_loss=(2.0, 1.0, 1.0, 1.0)), trace=trace))
    (0.75, 0.25)
    """
    logged, ends = run.curves.train_loss, run.trace.facts.get("epoch_ends", ())
    seen = run.trace.series.get("loss", ())
    if not ends or len(seen) != len(run.trace.steps):
        return None
    pairs = [
        (loss, logged[epoch - 1])
        for step, loss in zip(run.trace.steps, seen, strict=True)
        if 2 * step > ends[-1] and (epoch := epoch_of(run, step)) and epoch <= len(logged)
    ]
    sound = [(loss, whole) for loss, whole in pairs if 0.0 <= loss < LARGEST and whole > 0.0]
    if len(sound) < samples:
        return None
    return level([1.0 - loss / whole for loss, whole in sound]), level([one for one, _ in sound])


def shrunk(run: Run) -> tuple[str, float] | None:
    """Return the weight tensor that shrank most, and the share of its size that is left.

    >>> from luthier.core import Trace
    >>> shrunk(Run(trace=Trace((1, 2), {"weight_norm/a": (2.0, 0.5), "weight_norm/b": (1.0, 1.1)})))
    ('a', 0.25)
    """
    sizes = {
        name: values[-1] / values[0]
        for name, values in layers(run, "weight_norm").items()
        if values[0] > 0.0
    }
    return min(sizes.items(), key=lambda pair: pair[1], default=None)


def clipped_to(run: Run, *, looks: int = 8, near: float = 1e-3) -> float | None:
    """Return the norm that the gradient of every sampled step had; None where norms differ.

    Args:
        run: A training that was watched.
        looks: How many sampled steps must show it.
        near: Relative difference up to which norms are one.

    >>> from luthier.core import Trace
    >>> trace = Trace(tuple(range(8)), {"gradient_norm_of_all": (0.01,) * 8})
    >>> clipped_to(Run(trace=trace))
    0.01
    """
    series = run.trace.series.get("gradient_norm_of_all", ())
    norms = [one for one in series if math.isfinite(one)]
    if len(norms) < looks or min(norms) <= 0.0 or max(norms) > (1.0 + near) * min(norms):
        return None
    return norms[-1]
