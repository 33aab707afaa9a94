"""From what a file or a person wrote to a value of the key's own type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from luthier.catalog.recipe_keys.key import Key
from luthier.core import CHANGEABLE, RecipeError, did_you_mean

FULL = "full"


def parse(one: Key, value: Any) -> Any:
    """Return a value in its key's own type.

    Raises:
        RecipeError: for a value that the key does not take.
    """
    if value is None or (one.nullable and value in ("none", "null", "~", "")):
        if one.nullable:
            return None
        hint = " (null means nothing here)" if "none" not in one.choices else ' (write "none")'
        raise refuse(one, value, hint)
    match one.kind:
        case "number":
            return _number(one, value)
        case "integer":
            return _integer(one, value)
        case "numbers":
            return _shares(one, value)
        case "batch_size":
            return FULL if value == FULL else _integer(one, value, low=1)
        case "network":
            return _network(one, value)
        case "model":
            return _arguments(one, value)
        case "changes":
            return _pieces(one, value)
    if value not in one.choices:
        raise refuse(one, value, did_you_mean(str(value), one.choices))
    return value


def _number(one: Key, value: Any) -> float:
    # PyYAML reads `1e-3` as text: YAML 1.1 asks for the dot of `1.0e-3`.
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low = number > one.low if one.above else number >= one.low
    high = number < one.high if one.below else number <= one.high
    if not (low and high and math.isfinite(number)):
        raise refuse(one, value)
    return number


def _integer(one: Key, value: Any, low: float | None = None) -> int:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    low = one.low if low is None else low
    if not (low <= number <= one.high and number == math.floor(number) < math.inf):
        raise refuse(one, value)
    return int(number)


def _shares(one: Key, value: Any) -> tuple[float, ...]:
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise refuse(one, value)
    numbers = tuple(_number(one, number) for number in value)
    rising = all(a < b for a, b in pairwise(numbers))
    if not numbers or not rising or numbers[0] <= 0 or numbers[-1] >= 1:
        raise refuse(one, value)
    return numbers


def _network(one: Key, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise refuse(one, value)
    return value


def _arguments(one: Key, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise refuse(one, value)
    for name, argument in value.items():
        if not isinstance(name, str) or not isinstance(
            argument, (bool, int, float, str, type(None))
        ):
            raise refuse(one, value)
    return dict(value)


def _pieces(one: Key, value: Any) -> tuple[Any, ...]:
    """Return changes as a recipe keeps them; their values are checked with their own keys."""
    if not isinstance(value, (list, tuple)):
        raise refuse(one, value)
    found: list[tuple[int, tuple[Any, ...]]] = []
    for piece in value:
        if isinstance(piece, Mapping):
            pairs = {name: item for name, item in piece.items() if name != "after"}
            after = piece.get("after")
        elif isinstance(piece, tuple) and len(piece) == 2:
            after, pairs = piece[0], dict(piece[1])
        else:
            raise refuse(one, value)
        if isinstance(after, bool) or not isinstance(after, int) or not pairs:
            raise refuse(one, value)
        if after <= (found[-1][0] if found else 0):
            raise refuse(one, value)
        for name in pairs:
            if name not in CHANGEABLE:
                hint = did_you_mean(str(name), CHANGEABLE)
                raise refuse(one, value, f"{hint} '{name}' cannot change within a training.")
        found.append((after, tuple(sorted(pairs.items()))))
    return tuple(found)


def refuse(one: Key, value: Any, hint: str = "") -> RecipeError:
    """Return the error for a value that a key does not take."""
    return RecipeError(
        f"{one.name}: got {value!r}.{hint} It takes {one.takes}. Write for example `{one.example}`."
    )
