"""The optimizer and the schedule of a Keras model, before a step is made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from luthier.core import OptimizerFacts, ScheduleFacts
from luthier.frameworks.keras.watching_rates import settings_of
from luthier.frameworks.keras.watching_state import inner_optimizer, number

HORIZON = 100  # epochs of a schedule that nobody said the end of
_POINTS = 200  # of all planned steps: a warm-up of a hundredth is seen
_RISES = 1 / 3  # of the highest rate: one that begins below that warms up
_SETTINGS = ("momentum", "weight_decay", "epsilon", "rho", "nesterov")
_Schedule = keras.optimizers.schedules.LearningRateSchedule


@dataclass(frozen=True)
class Pace:
    """How a schedule moves the rate.

    Args:
        peak: Its highest rate within the planned steps; None where it is not known.
        shape: Of one that warms up, its rates as shares of the highest, from the first step to
            the last: what a rate does after a warm-up is not what it does from the first step on.
    """

    peak: float | None = None
    shape: tuple[float, ...] = ()


STEADY = Pace()


def rate_of(optimizer: Any) -> float:
    """Return the rate that an optimizer begins with; the highest of one that warms up."""
    rate = optimizer._learning_rate
    if isinstance(rate, _Schedule):
        return pace_of(None, optimizer, None, 100).peak or number(rate(0))
    return number(rate() if callable(rate) and not isinstance(rate, keras.Variable) else (
        optimizer.learning_rate
    ))  # fmt: skip


def pace_of(scheduler: Any, optimizer: Any, epochs: int | None, steps: int) -> Pace:
    """Return how the rate moves over the planned training.

    Args:
        scheduler: As for `schedule_facts`.
        optimizer: What trains; None where nobody said.
        epochs: How many are planned; None takes `HORIZON`.
        steps: Of an epoch.

    >>> warm = keras.optimizers.schedules.CosineDecay(0.0, 900, 0.1, warmup_target=0.5,
    ...     warmup_steps=100)
    >>> pace = pace_of(warm, None, 10, 100)
    >>> round(pace.peak, 2), pace.shape[0], len(pace.shape)
    (0.5, 0.0, 200)
    >>> pace_of(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9), None, 10, 100).shape
    ()
    """
    given = _schedule(scheduler, optimizer)
    count = epochs or HORIZON
    if isinstance(given, _Schedule):
        total = count * max(steps, 1)
        places = sorted({i * total // _POINTS for i in range(_POINTS)})
        try:
            rates = [number(given(place)) for place in places]
        except Exception:
            return STEADY
    elif given is not None:
        rates = list(schedule_facts(given, optimizer, epochs, steps).rates)
    else:
        return STEADY
    top = max((rate for rate in rates if math.isfinite(rate)), default=0.0)
    if top <= 0.0:
        return STEADY
    return Pace(top, tuple(rate / top for rate in rates) if rates[0] <= _RISES * top else ())


def _schedule(scheduler: Any, optimizer: Any) -> Any:
    """Return the schedule that sets the rate: the one given, or the optimizer's own."""
    inner = None if optimizer is None else inner_optimizer(optimizer)
    if scheduler is None and inner is not None and isinstance(inner._learning_rate, _Schedule):
        return inner._learning_rate
    return scheduler


def optimizer_facts(
    optimizer: Any, model: Any, cut_off: Sequence[str], pace: Pace = STEADY
) -> OptimizerFacts:
    """Return what an optimizer is; Keras hands every trainable weight to it."""
    if optimizer is None:
        return OptimizerFacts()
    inner = inner_optimizer(optimizer)
    count = sum(math.prod(v.shape) for v in model.trainable_variables)
    rate = pace.peak or rate_of(inner)
    settings = {k: getattr(inner, k) for k in _SETTINGS if getattr(inner, k, None) is not None}
    if "epsilon" in settings:
        settings["eps"] = float(settings.pop("epsilon"))
    if hasattr(inner, "beta_1"):
        settings["betas"] = [float(inner.beta_1), float(inner.beta_2)]
    return OptimizerFacts(
        name=type(inner).__name__,
        kind=str(settings_of(inner, rate).get("optimizer", "")),
        learning_rates=(rate,),
        settings=settings,
        held=count,
        trainable=count,
        cut_off=tuple(cut_off),
    )


def schedule_facts(scheduler: Any, optimizer: Any, epochs: int | None, steps: int) -> ScheduleFacts:
    """Run a schedule ahead, one rate an epoch.

    Args:
        scheduler: A schedule of Keras, a `LearningRateScheduler`, or a function of the epoch, or
            of epoch and rate; None takes the one that the optimizer has.
        optimizer: What trains; None where nobody said.
        epochs: How many are planned.
        steps: Of an epoch.
    """
    inner = None if optimizer is None else inner_optimizer(optimizer)
    given = _schedule(scheduler, optimizer)
    if given is None:
        return ScheduleFacts(epochs=epochs)
    name = type(given).__name__
    count = min(epochs or HORIZON, 10_000)
    rates: list[float] = []
    try:
        if isinstance(given, _Schedule):
            rates = [number(given(epoch * steps)) for epoch in range(count)]
        else:
            function = getattr(given, "schedule", given)
            if not callable(function) or isinstance(given, type):
                return ScheduleFacts(name, epochs=epochs)
            name = name if name != "function" else getattr(function, "__name__", name)
            name = "the schedule" if name == "<lambda>" else name
            takes = len(inspect.signature(function).parameters)
            rate = 0.1 if inner is None else rate_of(inner)
            for epoch in range(count):
                rate = number(function(epoch, rate) if takes > 1 else function(epoch))
                rates.append(rate)
    except Exception:  # a schedule that waits for losses cannot be run ahead
        rates = []
    return ScheduleFacts(name, tuple(r for r in rates if math.isfinite(r)), epochs)
