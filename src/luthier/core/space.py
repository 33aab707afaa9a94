"""What may vary: ranges of single values, and their product over a recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Union

from luthier.core.errors import SpaceError
from luthier.core.recipe import Recipe, Value


@dataclass(frozen=True)
class Float:
    """A real number between two bounds, both included.

    Args:
        low: Lower bound.
        high: Upper bound.
        log: Spread values evenly over orders of magnitude: rates and penalties need it.
        likely: Where the best value is thought to be. A search looks there first, and elsewhere
            all the same.

    >>> Float(1e-4, 1e-2, log=True).at(0.5)
    0.001
    >>> Float(0.0, 1.0, log=True)
    Traceback (most recent call last):
    luthier.core.errors.SpaceError: `low > 0` must hold for `log=True`, but got low=0.0. ...
    """

    low: float
    high: float
    log: bool = False
    likely: tuple[float, float] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log, "Float(1e-6, 1e-1, log=True)")
        _check_likely(self.low, self.high, self.likely)

    def at(self, unit: float) -> float:
        """Return the value at a position in [0, 1], to six significant digits."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + unit * (high - low)
        value = float(f"{math.exp(value) if self.log else value:.6g}")
        return min(max(value, self.low), self.high)

    def unit(self, value: Value) -> float:
        """Return the position in [0, 1] of a value; outside the range, of the nearer bound."""
        number = min(max(float(value or 0.0), self.low), self.high)
        if self.high == self.low:
            return 0.5
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.low <= value <= self.high


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included.

    Args:
        low: Lower bound.
        high: Upper bound.
        log: Spread values evenly over orders of magnitude.
        step: Distance of neighbouring values, counted from `low`.
        likely: Where the best value is thought to be, as for `Float`.

    >>> Int(16, 512, log=True).at(0.5)
    89
    >>> Int(1, 4).at(1.0)
    4
    """

    low: int
    high: int
    log: bool = False
    step: int = 1
    likely: tuple[int, int] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _check_bounds(self.low, self.high, self.log, "Int(16, 512, log=True)")
        _check_likely(self.low, self.high, self.likely)
        if self.step < 1:
            raise SpaceError(
                f"`step >= 1` must hold, but got step={self.step}. Use Int(8, 64, step=8)."
            )

    def at(self, unit: float) -> int:
        """Return the value at a position in [0, 1]; every value owns a share of it."""
        low, high = self.low - 0.5 * self.step, self.high + 0.5 * self.step
        if self.log:
            low = max(low, self.low / 2)
            value = math.exp(math.log(low) + unit * math.log(high / low))
        else:
            value = low + unit * (high - low)
        steps = round((value - self.low) / self.step)
        return self.low + self.step * min(max(steps, 0), (self.high - self.low) // self.step)

    def unit(self, value: Value) -> float:
        """Return the position in [0, 1] of a value; outside the range, of the nearer bound."""
        number = min(max(float(value or 0), self.low), self.high)
        low, high = self.low - 0.5 * self.step, self.high + 0.5 * self.step
        if self.log:
            low = max(low, self.low / 2)
            return math.log(number / low) / math.log(high / low)
        return (number - low) / (high - low)

    def __contains__(self, value: object) -> bool:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and (value - self.low) % self.step == 0
        )


@dataclass(frozen=True, init=False)
class Categorical:
    """One of several values without an order.

    Args:
        choices: The values.
        last: Leave it until the rest is found: the search compares at the baseline's value, and in
            the end trains its best recipe with each of the others, whole. For what first epochs
            rank wrongly, as they do schedules.

    >>> Categorical("relu", "gelu").at(0.9)
    'gelu'
    """

    choices: tuple[Value, ...]
    last: bool = field(default=False, repr=False)

    def __init__(self, *choices: Value, last: bool = False) -> None:
        if not choices or len(set(map(repr, choices))) != len(choices):
            raise SpaceError(
                f"a Categorical needs distinct choices, but got {choices}. "
                "Use Categorical('relu', 'gelu')."
            )
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "last", last)

    def at(self, unit: float) -> Value:
        """Return the value at a position in [0, 1]; every value owns an equal share of it."""
        return self.choices[min(int(unit * len(self.choices)), len(self.choices) - 1)]

    def unit(self, value: Value) -> float:
        """Return the middle of a value's share of [0, 1]; 0.5 for an unknown value."""
        for index, choice in enumerate(self.choices):
            if choice == value and type(choice) is type(value):
                return (index + 0.5) / len(self.choices)
        return 0.5

    def __contains__(self, value: object) -> bool:
        return any(choice == value and type(choice) is type(value) for choice in self.choices)


@dataclass(frozen=True)
class Conditional:
    """A range that depends on another parameter's value; inactive where no case matches.

    Learning rates need it: those of SGD and Adam differ by orders of magnitude.

    Args:
        on: Name of the parameter that decides.
        cases: Range for each of its values. Without a case the baseline's value stays.

    >>> rate = Conditional("optimizer", {"sgd": Float(0.01, 1.0), "adam": Float(1e-4, 1e-2)})
    >>> rate.case("sgd")
    Float(low=0.01, high=1.0, log=False)
    """

    on: str
    cases: Mapping[Value, Plain]

    def __post_init__(self) -> None:
        if not self.cases:
            raise SpaceError(f"a Conditional on '{self.on}' needs at least one case, but got none.")

    def case(self, value: Value) -> Plain | None:
        """Return the range that holds for the deciding parameter's value."""
        return self.cases.get(value)


Plain = Union[Float, Int, Categorical]
Domain = Union[Float, Int, Categorical, Conditional]


@dataclass(frozen=True)
class Space:
    """The recipes that a study may try: a baseline, and what may vary in it.

    A point of the unit cube, one coordinate a parameter in the order of `parameters`, is a
    recipe. Strategies work on points and know nothing of optimizers or networks.

    Args:
        parameters: Range by recipe key; a builder's own argument is called ``model.<name>``.
        baseline: The recipe whose other values stay.

    >>> space = Space({"learning_rate": Float(1e-4, 1e-2, log=True)}, Recipe(network="mlp"))
    >>> space.decode([0.5]).learning_rate
    0.001
    """

    parameters: Mapping[str, Domain]
    baseline: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        known: set[str] = set()
        for name, domain in self.parameters.items():
            if isinstance(domain, Conditional) and domain.on not in known:
                fixed = domain.on not in self.parameters and self.baseline.has(domain.on)
                if not fixed:
                    raise SpaceError(
                        f"'{name}' depends on '{domain.on}', which must stand before it in the "
                        "space or be a key of the recipe."
                    )
            known.add(name)

    @property
    def dimensions(self) -> int:
        """The number of coordinates of a point."""
        return len(self.parameters)

    @property
    def late(self) -> dict[str, tuple[Value, ...]]:
        """What is left for last: by name the values that are not the baseline's.

        >>> schedule = Categorical("cosine", "linear", "one_cycle", last=True)
        >>> Space({"schedule": schedule}, Recipe(schedule="linear")).late
        {'schedule': ('cosine', 'one_cycle')}
        """
        return {
            name: tuple(value for value in domain.choices if value != self.baseline.get(name))
            for name, domain in self.parameters.items()
            if isinstance(domain, Categorical) and domain.last
        }

    def active(self, name: str, recipe: Recipe) -> Plain | None:
        """Return the range that holds for a parameter of a recipe; None where it is inactive."""
        domain = self.parameters[name]
        return domain.case(recipe.get(domain.on)) if isinstance(domain, Conditional) else domain

    def decode(self, point: Sequence[float]) -> Recipe:
        """Return the recipe at a point of the unit cube."""
        values: dict[str, Value] = {}
        for (name, domain), unit in zip(self.parameters.items(), point, strict=True):
            if isinstance(domain, Conditional):
                known = domain.on in values
                case = domain.case(values[domain.on] if known else self.baseline.get(domain.on))
                if case is not None:
                    values[name] = case.at(unit)
            else:
                values[name] = domain.at(unit)
        return self.baseline.replace(values)

    def lean(self, point: Sequence[float], *, changes: float = 3.0) -> tuple[float, ...]:
        """Return a point moved to where its coordinates are thought likely.

        That is where `likely` says, else mostly where the baseline is: a sound default is seldom
        beaten by what differs from it in everything, and often by what differs in a few values.

        Args:
            point: In the unit cube; evenly spread points stay evenly spread.
            changes: How many coordinates leave the baseline's value, on average.

        >>> space = Space({"dropout": Float(0.0, 1.0, likely=(0.1, 0.3))})
        >>> space.lean([0.0]), space.lean([0.5])
        ((0.1,), (0.2,))
        >>> space = Space({"dropout": Float(0.0, 1.0), "l2": Float(0.0, 1.0)}, Recipe(dropout=0.5))
        >>> space.lean([0.2, 0.8], changes=1.0)
        (0.4, 0.0)
        """
        values: dict[str, Value] = {}
        moved = []
        share = min(changes / max(self.dimensions, 1), 1.0)
        start = self.encode(self.baseline)
        for (name, domain), unit, begin in zip(self.parameters.items(), point, start, strict=True):
            case: Plain | None
            if isinstance(domain, Conditional):
                known = domain.on in values
                case = domain.case(values[domain.on] if known else self.baseline.get(domain.on))
            else:
                case = domain
            if isinstance(case, (Float, Int)) and case.likely is not None:
                low, high = map(case.unit, case.likely)
                unit = low + unit * (high - low)
            elif self.active(name, self.baseline) is not None:
                unit = unit / share if unit < share else begin
            if case is not None:
                values[name] = case.at(unit)
            moved.append(unit)
        return tuple(moved)

    def middle(self) -> Recipe:
        """Return the baseline, moved to the middle of where values are thought likely.

        >>> Space({"dropout": Float(0.0, 1.0, likely=(0.1, 0.3))}).middle().dropout
        0.2
        """
        values: dict[str, Value] = {}
        for name in self.parameters:
            case = self.active(name, self.baseline)
            if isinstance(case, (Float, Int)) and case.likely is not None:
                low, high = map(case.unit, case.likely)
                values[name] = case.at((low + high) / 2)
        return self.baseline.replace(values)

    def encode(self, recipe: Recipe) -> tuple[float, ...]:
        """Return the point of a recipe; 0.5 where a parameter is inactive."""
        known = self._points.get(recipe.identity)
        if known is None:
            domains = {name: self.active(name, recipe) for name in self.parameters}
            known = self._points[recipe.identity] = tuple(
                0.5 if domain is None else domain.unit(recipe.get(name))
                for name, domain in domains.items()
            )
        return known

    @cached_property
    def _points(self) -> dict[str, tuple[float, ...]]:
        # Strategies ask for the points of all trials at every decision.
        return {}


def _check_likely(low: float, high: float, likely: tuple[float, float] | None) -> None:
    if likely is not None and not low <= likely[0] <= likely[1] <= high:
        raise SpaceError(
            f"`likely` must lie within the range {low} to {high}, but got {likely}. "
            "Use Float(1e-6, 1e-1, log=True, likely=(1e-4, 1e-2))."
        )


def _check_bounds(low: float, high: float, log: bool, example: str) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise SpaceError(f"bounds must be finite, but got low={low}, high={high}. Use {example}.")
    if low > high:
        raise SpaceError(f"`low <= high` must hold, but got low={low}, high={high}. Use {example}.")
    if log and low <= 0:
        raise SpaceError(f"`low > 0` must hold for `log=True`, but got low={low}. Use {example}.")
