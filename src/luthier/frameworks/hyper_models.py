"""Hypermodels of KerasTuner, whose ``build`` needs its instance: how a script calls them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any


def name_of(function: Callable[..., Any]) -> str:
    """Return what a builder is called by: a hypermodel by its class.

    >>> class Mine:
    ...     def build(self, hp): ...
    >>> name_of(Mine().build), name_of(print)
    ('Mine', 'print')
    """
    if inspect.ismethod(function):
        return type(function.__self__).__name__
    return str(getattr(function, "__name__", "build"))


def call_of(function: Callable[..., Any], hp: str) -> tuple[list[str], str]:
    """Return the lines that make an instance, where a builder needs one, and the call.

    Its attributes are those that the instance has now, as far as Python reads them as it prints
    them: where KerasTuner's own class is the base, an instance's ``build`` wraps the class's.

    >>> class Mine:
    ...     def build(self, hp): ...
    >>> call_of(Mine().build, "hp")[1]
    'Mine.build(hyper_model, hp)'
    """
    if not inspect.ismethod(function):
        return [], f"{function.__name__}({hp})"
    kind = type(function.__self__).__name__
    held = {k: v for k, v in vars(function.__self__).items() if _is_plain(v)}
    made = [f"hyper_model = object.__new__({kind})", f"vars(hyper_model).update({held!r})"]
    return made, f"{kind}.{function.__name__}(hyper_model, {hp})"


def _is_plain(value: object) -> bool:
    """Tell what Python reads again as it prints it."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, TypeError):
        return False
