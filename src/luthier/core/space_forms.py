"""Ranges as plain data: the form that space.yaml and the storage use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.core.errors import SpaceError
from luthier.core.space import Categorical, Conditional, Domain, Float, Int, Plain


def domain_to_json(domain: Domain) -> dict[str, Any]:
    """Return a range as plain data, the form that space.yaml and the storage use.

    >>> domain_to_json(Float(1e-4, 0.1, log=True))
    {'float': [0.0001, 0.1], 'log': True}
    """
    match domain:
        case Float(low, high, log, likely):
            return {"float": [low, high], **_written(log=log, likely=likely)}
        case Int(low, high, log, step, likely):
            extra = _written(log=log, step=step if step != 1 else 0, likely=likely)
            return {"int": [low, high], **extra}
        case Categorical(choices=choices, last=last):
            return {"choices": list(choices), **_written(last=last)}
        case Conditional(on, cases):
            pairs = [[value, domain_to_json(case)] for value, case in cases.items()]
            return {"on": on, "cases": pairs}


def domain_from_json(name: str, data: Any) -> Domain:
    """Read a range from plain data.

    Raises:
        SpaceError: for anything that is not one of the four forms.

    >>> domain_from_json("width", {"int": [16, 512], "log": True})
    Int(low=16, high=512, log=True, step=1)
    """
    try:
        match data:
            case {"float": [low, high], **rest}:
                return Float(float(low), float(high), **_options(rest, {"log", "likely"}))
            case {"int": [low, high], **rest}:
                return Int(int(low), int(high), **_options(rest, {"log", "step", "likely"}))
            case {"choices": [*choices], **rest}:
                return Categorical(*choices, **_options(rest, {"last"}))
            case {"on": str(on), "cases": cases, **rest}:
                _options(rest, set())
                pairs = cases.items() if isinstance(cases, Mapping) else cases
                return Conditional(on, {v: _plain(str(v), case) for v, case in pairs})
    except SpaceError as error:
        raise SpaceError(f"{name}: {error}") from None
    except (TypeError, ValueError) as error:
        raise SpaceError(f"{name}: cannot read {data!r} ({error}).") from None
    raise SpaceError(
        f"{name}: cannot read {data!r} as a range. Write one of {{float: [1e-4, 0.1], log: true}}, "
        "{int: [16, 512]}, {choices: [relu, gelu]}, {on: optimizer, cases: {sgd: {...}}}."
    )


def _plain(name: str, data: Any) -> Plain:
    domain = domain_from_json(name, data)
    if isinstance(domain, Conditional):
        raise SpaceError("a case of a Conditional must be a plain range.")
    return domain


def _options(rest: Mapping[Any, Any], known: set[str]) -> dict[str, Any]:
    unknown = sorted(set(rest) - known)
    if unknown:
        raise SpaceError(f"unknown option {unknown[0]!r} of a range.")
    if "likely" not in rest:
        return dict(rest)
    low, high = rest["likely"]
    return {**rest, "likely": (low, high)}


def _written(**options: Any) -> dict[str, Any]:
    """Return the options that are set, a pair as a list."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value
    }
