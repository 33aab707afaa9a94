"""`hp`: what a builder in KerasTuner's style asks for its values, which tells its ranges, too.

The names and meanings are KerasTuner's (https://keras.io/keras_tuner/api/hyperparameters/), which
is not needed. A builder written for it works as it is, conditional scopes included.
"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from luthier.core.recipe import Value
from luthier.core.space import Categorical, Float, Int, Plain

NAME = "hp"

Condition = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Asked:
    """One thing that a builder asked for.

    Args:
        domain: Its range; None for a fixed value.
        default: Its value unless told otherwise.
        conditions: Of which parameters it needs which values.
    """

    domain: Plain | None
    default: Value
    conditions: tuple[Condition, ...]


@dataclass
class HyperParameters:
    """Stands in for `keras_tuner.HyperParameters`.

    Args:
        values: Values by name; what is not there takes its default.

    Attributes:
        asked: What was asked for so far.
        given: What was answered.

    >>> hp = HyperParameters({"units": 64})
    >>> hp.Int("units", 32, 512, step=32), hp.Choice("activation", ["relu", "tanh"])
    (64, 'relu')
    >>> sorted(hp.asked)
    ['activation', 'units']
    """

    values: dict[str, Value] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict, init=False)
    _conditions: list[Condition] = field(default_factory=list, init=False)
    _scopes: list[str] = field(default_factory=list, init=False)
    given: dict[str, Any] = field(default_factory=dict, init=False)

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return a whole number; its default is the smallest."""
        log = sampling == "log"
        if log and step is not None:
            grid = _powers(min_value, max_value, step)
            domain = Int(int(min_value), int(max_value), log=True)
            first = default if default is not None else int(min_value)
            value = self._ask(name, domain, first, parent_name, parent_values)
            return None if value is None else self._give(name, int(_nearest(grid, value)))
        domain = Int(int(min_value), int(max_value), log=log, step=int(step or 1))
        first = int(min_value) if default is None else int(default)
        return self._ask(name, domain, first, parent_name, parent_values)

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return a real number; its default is the smallest. With a step, one on the grid."""
        low, high, log = float(min_value), float(max_value), sampling == "log"
        first = low if default is None else float(default)
        domain = Float(low, high, log=log)
        value = self._ask(name, domain, first, parent_name, parent_values)
        if value is None or step is None:
            return value
        grid = _powers(low, high, step) if log else _steps(low, high, step)
        return self._give(name, _nearest(grid, value))

    def Choice(
        self,
        name: str,
        values: Sequence[Value],
        ordered: bool | None = None,
        default: Value = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return one of several values; its default is the first, or None if that is among them."""
        first = default if default is not None or None in values else values[0]
        return self._ask(name, Categorical(*values), first, parent_name, parent_values)

    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return True or False."""
        return self._ask(name, Categorical(False, True), default, parent_name, parent_values)

    def Fixed(
        self, name: str, value: Value, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """Return the value: what does not vary, and is written down all the same."""
        return self._ask(name, None, value, parent_name, parent_values)

    def get(self, name: str) -> Any:
        """Return the value of a parameter that was asked for before.

        Raises:
            KeyError: for one that was not, or is not active.
        """
        full = self._full(name)
        for known in (full, name):
            if known in self.asked and self._active(self.asked[known][-1].conditions):
                return self._value(known, self.asked[known][-1].default)
        raise KeyError(f"{name} does not exist, or is not active: ask for it first, by hp.Int(...)")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        try:
            self.get(name)
        except KeyError:
            return False
        return True

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Let what is asked for inside exist only where another parameter has certain values."""
        self._conditions.append((self._parent(parent_name), _listed(parent_values)))
        try:
            yield
        finally:
            self._conditions.pop()

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put a name before the names that are asked for inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def _ask(
        self, name: str, domain: Plain | None, default: Any, parent: str | None, values: Any
    ) -> Any:
        conditions = [*self._conditions]
        if parent is not None:
            conditions.append((self._parent(parent), _listed(values)))
        full = self._full(name)
        one = Asked(domain, default, tuple(conditions))
        known = self.asked.setdefault(full, [])
        if one not in known:
            known.append(one)
        if not self._active(one.conditions):
            return None  # as in KerasTuner: nobody may rely on an inactive value
        value = default if domain is None else self._value(full, default)
        self.given[full] = value
        return value

    def _give(self, name: str, value: Any) -> Any:
        self.given[self._full(name)] = value
        return value

    def _value(self, name: str, default: Value) -> Value:
        return self.values.get(name, default)

    def _active(self, conditions: Iterable[Condition]) -> bool:
        for name, values in conditions:
            asked = self.asked.get(name)
            value = self.values.get(name, asked[-1].default if asked else None)
            if value not in values:
                return False
        return True

    def _full(self, name: str) -> str:
        return "/".join([*self._scopes, name])

    def _parent(self, name: str) -> str:
        """Return a parent's full name: of this scope, or of one around it."""
        for depth in range(len(self._scopes), -1, -1):
            full = "/".join([*self._scopes[:depth], name])
            if full in self.asked:
                return full
        return name


@dataclass(frozen=True)
class FromHp:
    """A builder in KerasTuner's style, called with values by name as every other builder.

    Args:
        function: Takes `hp`.
    """

    function: Callable[..., Any]

    @property
    def __name__(self) -> str:
        return str(getattr(self.function, "__name__", "build"))

    def __call__(self, **values: Any) -> Any:
        """Build a network."""
        return self.function(HyperParameters(values))

    def answers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the builder gets for each name that it asks for."""
        hp = HyperParameters(dict(values))
        self.function(hp)
        return hp.given


def takes_hp(function: Any) -> bool:
    """Tell a builder in KerasTuner's style: one bare argument, named ``hp``.

    >>> takes_hp(lambda hp: None), takes_hp(lambda hp=None: None), takes_hp(lambda n_outputs: None)
    (True, False, False)
    """
    try:
        arguments = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    return [a.name for a in arguments] == [NAME] and arguments[0].default is inspect.Parameter.empty


def of_hyper_model(made: Any) -> Callable[..., Any] | None:
    """Return the ``build`` of a hypermodel of KerasTuner, or of its class; None for all else.

    Where KerasTuner's own class is its base, an instance has another ``build``, which wraps it.

    >>> class Hyper:
    ...     def build(self, hp):
    ...         return hp.Int("units", 8, 64)
    >>> of_hyper_model(Hyper())(HyperParameters()), of_hyper_model(lambda hp: None)
    (8, None)
    """
    kind = made if inspect.isclass(made) else type(made)
    build = getattr(kind, "build", None)
    if not inspect.isfunction(build) or [*inspect.signature(build).parameters][1:] != [NAME]:
        return None
    return types.MethodType(build, made() if made is kind else made)


def _listed(values: Any) -> tuple[Value, ...]:
    return tuple(values) if isinstance(values, (list, tuple, set)) else (values,)


def _steps(low: float, high: float, step: float) -> list[float]:
    count = int((high - low) / step + 1e-8)
    return [float(f"{low + i * step:.12g}") for i in range(count + 1)]


def _powers(low: float, high: float, step: float) -> list[float]:
    count = int(math.log(high / low) / math.log(step) + 1e-8)
    return [float(f"{low * step**i:.12g}") for i in range(count + 1)]


def _nearest(grid: Sequence[float], value: float) -> float:
    return min(grid, key=lambda one: abs(one - value))
