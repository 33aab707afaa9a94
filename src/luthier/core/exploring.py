"""What a builder in KerasTuner's style asks for: it is called until it asks for nothing new."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luthier.core.errors import BuilderError
from luthier.core.hyperparameters import Asked, HyperParameters
from luthier.core.recipe import Value
from luthier.core.space import Categorical, Conditional, Domain, Int, Plain

log = logging.getLogger(__name__)

_BUILDS = 40  # a network that is built to see what it asks for takes some hundredths of a second
_TRIED = 8  # values of one choice


def explore(
    function: Callable[..., Any], reference: str
) -> tuple[dict[str, Domain], dict[str, Value]]:
    """Call a builder with different values until it asks for nothing new; return what it asked for.

    It is called with its defaults; with what its conditional scopes need; and with other values of
    what it asked for, one at a time, since a loop over layers asks for more the more there are.

    Raises:
        BuilderError: when it raises with its defaults, or asks for two ranges of one name.
    """
    kept = random.getstate()
    try:
        found = _found(function, reference)
    finally:
        random.setstate(kept)
    parameters: dict[str, Domain] = {}
    defaults: dict[str, Value] = {}
    for name, asked in found.items():
        defaults[name] = asked[0].default
        domain = _domain(asked)
        if domain is not None:
            parameters[name] = domain
    ordered: dict[str, Domain] = {}
    while parameters:  # a parent comes before what depends on it
        ready = [
            n for n, d in parameters.items()
            if not isinstance(d, Conditional) or d.on in ordered or d.on not in parameters
        ]  # fmt: skip
        for name in ready or list(parameters):
            ordered[name] = parameters.pop(name)
    return ordered, defaults


def _found(function: Callable[..., Any], reference: str) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = {}
    todo: list[dict[str, Value]] = [{}]
    seen: set[str] = set()
    warned = False
    for _ in range(_BUILDS):
        if not todo:
            break
        values = todo.pop(0)
        hp = HyperParameters(dict(values))
        try:
            function(hp)
        except (Exception, SystemExit) as error:
            if not values:
                raise BuilderError(
                    f"{reference} raised {type(error).__name__}: {error}. It was called with the "
                    "default of everything that it asks hp for."
                ) from error
            if not warned:
                warned = True
                told = ", ".join(f"{name}={value!r}" for name, value in values.items())
                log.warning(
                    "%s raised %s: %s. It was called with %s; trials with that will fail, and "
                    "what they would ask hp for is not known.",
                    *(reference, type(error).__name__, error, told),
                )
            continue
        for name, asked in hp.asked.items():
            known = found.setdefault(name, [])
            known += [one for one in asked if one not in known]
            for one in asked:
                for more in (*_needs(one, values), *_others(name, one, values)):
                    key = repr(sorted(more.items()))
                    if key not in seen:
                        seen.add(key)
                        todo.append(more)
    return found


def _needs(one: Asked, values: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Return the values under which something becomes active."""
    wanted = {name: chosen[0] for name, chosen in one.conditions}
    return [{**values, **wanted}] if wanted else []


def _others(name: str, one: Asked, values: Mapping[str, Value]) -> list[dict[str, Value]]:
    """Return what else to try, of what decides how many other things are asked for."""
    domain, tried = one.domain, []
    if isinstance(domain, Categorical):
        tried = list(domain.choices[:_TRIED])
    elif isinstance(domain, Int) and domain.high - domain.low <= 16:
        tried = [domain.low + (domain.high - domain.low) // domain.step * domain.step]
    given = {k: v for k, v in values.items() if k in {n for n, _ in one.conditions}}
    return [{**given, name: value} for value in tried if value != one.default]


def _domain(asked: Sequence[Asked]) -> Domain | None:
    """Return one range of all that was asked for by one name."""
    if asked[0].domain is None:
        return None
    if not any(one.conditions for one in asked):
        return asked[0].domain
    free = [one for one in asked if not one.conditions]
    if free:
        return free[0].domain
    parent = asked[0].conditions[-1][0]
    cases: dict[Value, Plain] = {}
    for one in asked:
        name, values = one.conditions[-1]
        if one.domain is not None and name == parent:
            cases |= dict.fromkeys(values, one.domain)
    return Conditional(parent, cases)
