"""Limits and further goals: what a network may cost, measured before it is trained."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from luthier.catalog import metrics
from luthier.core import (
    MEASURED,
    OVER,
    Arrays,
    Bound,
    Build,
    Captured,
    Curves,
    Framework,
    Goal,
    LuthierError,
    Part,
    Recipe,
    StudyRecord,
    bounds_of,
    goal_name,
)

_SETTLED = 3  # epochs after which the pace of a training is known: the first one warms up


@dataclass(frozen=True)
class Limits:
    """What a study asks of its networks beside a good score.

    Args:
        most: The highest value of each cost that is limited, known before a network is trained.
        bounds: What metrics have to reach for a trial to win.
        goals: To be traded against the metric.
        clock: Gives the time.
    """

    most: Mapping[str, float] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    bounds: tuple[Bound, ...] = ()
    clock: Callable[[], float] = field(default=time.perf_counter, repr=False)

    @classmethod
    def of(cls, record: StudyRecord) -> Limits:
        """Return what a study's record says."""
        goals = tuple(Goal(*pair) for pair in record.about.get("goals", ()))
        return cls(dict(record.about.get("limits", {})), goals, bounds_of(record.about))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that they need to be computed."""
        names = [one.name for one in self.goals] + [one.name for one in self.bounds]
        return tuple(name for name in dict.fromkeys(names) if name not in MEASURED)

    def __bool__(self) -> bool:
        return bool(self.most or self.goals or self.bounds)

    def to_json(self) -> dict[str, Any]:
        """Return what a record keeps; nothing where nothing is asked for."""
        found: dict[str, Any] = {}
        if self.most:
            found["limits"] = dict(self.most)
        if self.goals:
            found["goals"] = [[goal.name, goal.direction] for goal in self.goals]
        if self.bounds:
            found["bounds"] = [[one.name, one.direction, one.value] for one in self.bounds]
        return found

    def measured(
        self, framework: Framework, build: Build, captured: Captured, arrays: Arrays
    ) -> dict[str, float]:
        """Return what is asked for and known before a network is trained."""
        asked = {*self.most, *(goal.name for goal in self.goals)}
        found: dict[str, float] = {}
        if "parameters" in asked:
            found["parameters"] = float(captured.n_parameters)
        if "latency_ms" in asked:
            found["latency_ms"] = self._latency(framework, build, captured, arrays)
        return found

    def passed(self, values: Mapping[str, float]) -> str | None:
        """Return in words which limit some values are over; None where they keep all."""
        for name, most in self.most.items():
            value = values.get(name)
            if value is not None and value > most:
                return f"{OVER}: {name} {value:,.6g}, and {most:,.6g} is the most"
        return None

    def too_slow(self, curves: Curves, recipe: Recipe) -> str | None:
        """Return in words that a training takes too long, at the pace of its epochs."""
        if "training_seconds" not in self.most or len(curves.seconds) < _SETTLED:
            return None
        return self.passed({"training_seconds": median(curves.seconds) * recipe.epochs})

    def _latency(
        self, framework: Framework, build: Build, captured: Captured, arrays: Arrays
    ) -> float:
        """Return the milliseconds in which the network answers one row, the median of fifteen."""
        task, row = arrays.task, _first_row(arrays.val)
        model = framework.restore(build, captured.recipe, task, captured.initial)
        times = []
        for _ in range(2 + 15):  # the first two get memory and caches ready
            began = self.clock()
            framework.outputs(model, row, task)
            times.append(self.clock() - began)
        return 1000 * median(times[2:])


def _first_row(part: Part) -> Part:
    return replace(
        part,
        inputs=tuple(one[:1] for one in part.inputs),
        target=part.target[:1],
        weight=None if part.weight is None else part.weight[:1],
        rows=part.rows[:1],
    )


def read_limits(
    limits: Mapping[str, Any] | Sequence[str] | None,
    objectives: Mapping[str, str] | Iterable[str] | None,
    known: Iterable[str] | None,
) -> Limits:
    """Read limits and further goals as users write them.

    Args:
        limits: By name, or as texts such as ``params=1e5`` and ``accuracy>=0.9``.
        objectives: Names, or directions by name.
        known: The task's metrics; None for an objective, which reports what it likes.

    Raises:
        LuthierError: for what is no limit, or nobody measures.

    >>> read_limits(["params=1e5", "accuracy=0.9"], ["latency_ms"], ["accuracy"]).to_json()
    {'limits': {'parameters': 100000.0}, 'goals': [['latency_ms', 'minimize']], \
'bounds': [['accuracy', 'maximize', 0.9]]}
    """
    names = None if known is None else tuple(known)
    most: dict[str, float] = {}
    bounds: list[Bound] = []
    if isinstance(limits, Mapping):
        asked = [(str(name), "=", value) for name, value in limits.items()]
    else:
        asked = [_split(text) for text in limits or ()]
    for name, sign, value in asked:
        full = goal_name(name)
        if names is not None and full in MEASURED:
            if sign == ">=":
                raise LuthierError(
                    f"--limit {name}>={value}: nobody wants a network that costs at least so "
                    f"much. Write the most that it may: --limit {name}={value}."
                )
            most[full] = _positive(name, value)
        else:
            bounds.append(Bound(full, _towards(name, full, sign, value, names), _real(name, value)))
    directions = objectives if isinstance(objectives, Mapping) else dict.fromkeys(objectives or ())
    goals = []
    for name, direction in directions.items():
        full = goal_name(name)
        goals.append(Goal(full, _direction(full, direction, names)))
    return Limits(most, tuple(goals), tuple(bounds))


def named(
    limits: Mapping[str, Any] | Sequence[str] | None,
    objectives: Mapping[str, str] | Iterable[str] | None,
) -> tuple[str, ...]:
    """Return the names that limits and goals have, before anything is known of the task.

    >>> named(["params=1e5", "roc_auc>=0.9"], ["latency"])
    ('parameters', 'roc_auc', 'latency_ms')
    """
    asked = limits if isinstance(limits, Mapping) else [_split(text)[0] for text in limits or ()]
    return tuple(goal_name(str(name)) for name in (*asked, *(objectives or ())))


def _split(text: str) -> tuple[str, str, Any]:
    for sign in (">=", "<=", "="):
        name, found, value = text.partition(sign)
        if found:
            return name.strip(), sign, value
    raise LuthierError(
        f"--limit {text} names no value. Write the name and what it may come to: "
        "--limit params=1e5, --limit accuracy=0.9."
    )


def _towards(name: str, full: str, sign: str, value: Any, known: Sequence[str] | None) -> str:
    """Return the direction of a limit on a metric: what is better is told by the metric."""
    if known is None:
        if sign == "=":
            raise LuthierError(
                f"limit {name}={value}: whether '{name}' is good when it is high, the objective "
                f"alone knows. Write limits=['{name}>={value}'] or limits=['{name}<={value}']."
            )
        return "maximize" if sign == ">=" else "minimize"
    if full not in known:
        raise LuthierError(
            f"--limit {name}={value}: '{name}' is nothing that can be limited here. "
            f"There is {', '.join([*MEASURED, *known])}. Write --limit params=1e5."
        )
    direction = metrics.by_name(full).direction
    if sign != "=" and (sign == ">=") != (direction == "maximize"):
        other = ">=" if direction == "maximize" else "<="
        raise LuthierError(
            f"--limit {name}{sign}{value}: {direction[:-1]}ing is what '{name}' is for. "
            f"Write --limit '{name}{other}{value}'."
        )
    return direction


def _real(name: str, value: Any) -> float:
    number = _number(value)
    if not math.isfinite(number):
        raise LuthierError(
            f"--limit {name}={value}: '{value}' is no number. Write --limit {name}=0.9."
        )
    return number


def _positive(name: str, value: Any) -> float:
    number = _number(value)
    if not number > 0:
        raise LuthierError(
            f"--limit {name}={value}: '{value}' is no number above 0. Write --limit {name}=1000."
        )
    return number


def _number(value: Any) -> float:
    """Return a value as a number; not a number where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _direction(name: str, direction: str | None, known: Iterable[str] | None) -> str:
    if direction in ("minimize", "maximize"):
        return direction
    if direction is not None:
        raise LuthierError(
            f"objective '{name}' has the direction '{direction}'. Write 'minimize' or 'maximize'."
        )
    if name in MEASURED or known is None:
        return "minimize"
    if name not in known:
        raise LuthierError(
            f"--objective {name}: nobody measures '{name}' here. There is "
            f"{', '.join([*MEASURED, *known])}."
        )
    return metrics.by_name(name).direction
