"""The optimizer and the schedule of a Keras model, before a step is made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

import keras

from luthier.core import OptimizerFacts, ScheduleFacts
from luthier.frameworks.keras.watching_rates import settings_of
from luthier.frameworks.keras.watching_state import inner_optimizer, number

HORIZON = 100  # epochs of a schedule that nobody said the end of
_SETTINGS = ("momentum", "weight_decay", "epsilon", "rho", "nesterov")
_Schedule = keras.optimizers.schedules.LearningRateSchedule


def rate_of(optimizer: Any) -> float:
    """Return the rate that an optimizer begins with; the highest of one that warms up."""
    rate = optimizer._learning_rate
    if isinstance(rate, _Schedule):
        first = number(rate(0))
        target = getattr(rate, "warmup_target", None)
        return max(first, float(target)) if target else first
    return number(rate() if callable(rate) and not isinstance(rate, keras.Variable) else (
        optimizer.learning_rate
    ))  # fmt: skip


def optimizer_facts(
    optimizer: Any, model: Any, cut_off: Sequence[str], relative_step: float = 0.0
) -> OptimizerFacts:
    """Return what an optimizer is; Keras hands every trainable weight to it."""
    if optimizer is None:
        return OptimizerFacts()
    inner = inner_optimizer(optimizer)
    count = sum(math.prod(v.shape) for v in model.trainable_variables)
    rate = rate_of(inner)
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
        relative_step=relative_step,
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
    given = scheduler
    if given is None and inner is not None and isinstance(inner._learning_rate, _Schedule):
        given = inner._learning_rate
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
