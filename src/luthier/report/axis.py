"""Axes: one parameter of a search each, with the place of every value on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from luthier.core import MODEL_PREFIX, Categorical, Domain, History, Recipe, Space, Trial, Value
from luthier.core.space import Conditional
from luthier.report.scale import Scale, scale_over
from luthier.report.text import setting, tick


@dataclass(frozen=True)
class Axis:
    """What a parameter's values mean on a chart.

    Args:
        name: The recipe's key.
        choices: Values without an order; empty for numbers.
        scale: From numbers to [0, 1]; None for choices.

    >>> Axis("schedule", ("cosine", "constant")).place("constant")
    0.75
    """

    name: str
    choices: tuple[Value, ...] = ()
    scale: Scale | None = None

    @property
    def title(self) -> str:
        """The name to read."""
        return self.name.removeprefix(MODEL_PREFIX)

    def place(self, value: Value) -> float | None:
        """Return where a value lies in [0, 1]; None for one that the axis does not have."""
        if self.scale is None:
            if value not in self.choices:
                return None
            return (self.choices.index(value) + 0.5) / len(self.choices)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        low, high = self.scale.low, self.scale.high
        return share(value, low, high, self.scale.log) if math.isfinite(value) else None

    def ticks(self, count: int = 4) -> list[tuple[float, str]]:
        """Return places and texts."""
        if self.scale is None:
            return [(self.place(one) or 0.0, setting(one)) for one in self.choices]
        found = self.scale.ticks(count)
        return [(self.place(value) or 0.0, tick(value)) for value in found]


def share(value: float, low: float, high: float, log: bool) -> float:
    """Return where a value lies between two ends, outside of them the nearer one.

    >>> share(0.1, 0.01, 1.0, True), share(7, 0, 5, False)
    (0.5, 1.0)
    """
    value = min(max(value, low), high)
    if high <= low:
        return 0.5
    if log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def value_of(space: Space, name: str, recipe: Recipe) -> Value:
    """Return what a trial has of a parameter; None where it plays no part in it."""
    if name in space.parameters and space.active(name, recipe) is None:
        return None
    value: Value = recipe.get(name)
    return value


def axes(space: Space, trials: Sequence[Trial]) -> list[Axis]:
    """Return an axis for each parameter that took several values; most trials use it.

    An objective's parameters are not all known beforehand: what its trials had counts too.
    """
    asked = {MODEL_PREFIX + key: None for trial in trials for key in trial.recipe.model}
    names = [*space.parameters, *(name for name in asked if name not in space.parameters)]
    found = [_axis(space, name, trials) for name in names]
    return [one for one in found if one is not None]


def score_axis(history: History) -> Axis:
    """Return the axis of scores; trials that diverged share its end."""
    scores = [score for trial in history.trials if (score := history.score(trial)) is not None]
    outliers = 0.05 if history.direction == "minimize" else 0.0
    return Axis(history.metric, scale=scale_over(scores, 0.0, 1.0, outliers=outliers))


def _axis(space: Space, name: str, trials: Sequence[Trial]) -> Axis | None:
    values = dict.fromkeys(value_of(space, name, trial.recipe) for trial in trials)
    values.pop(None, None)
    if len(values) < 2:
        return None
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        numbers = [float(v) for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
        log = _log(space.parameters, name)
        if len(set(numbers)) < 2:
            return None
        return Axis(name, scale=scale_over(numbers, 0.0, 1.0, logarithmic=log))
    return Axis(name, _ordered(space.parameters.get(name), list(values)))


def _log(parameters: Mapping[str, Domain], name: str) -> bool | None:
    domain = parameters.get(name)
    if domain is None:
        return None
    cases = domain.cases.values() if isinstance(domain, Conditional) else [domain]
    return any(getattr(case, "log", False) for case in cases)


def _ordered(domain: Domain | None, values: list[Value]) -> tuple[Value, ...]:
    known = domain.choices if isinstance(domain, Categorical) else ()
    first = [choice for choice in known if choice in values]
    return (*first, *sorted((v for v in values if v not in first), key=str))
