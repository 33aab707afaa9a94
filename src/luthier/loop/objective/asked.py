"""The space of an objective: it shows in what its trials ask for, and how long they train."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from luthier.core import (
    MODEL_PREFIX,
    Categorical,
    Domain,
    Float,
    History,
    Int,
    Space,
    StudyRecord,
    Value,
    domain_from_json,
    domain_to_json,
)


def recorded(value: Any) -> Value:
    """Return a choice as a recipe can hold it: a class by its name, a tuple as text.

    >>> recorded((64, 64)), recorded(dict), recorded(0.5)
    ('(64, 64)', 'dict', 0.5)
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(getattr(value, "__name__", value))


def merged(
    about: Mapping[str, Any], asked: Mapping[str, Float | Int | Categorical]
) -> dict[str, Any]:
    """Return what a record says about its study, with the ranges that a trial asked for.

    The newest range of a name holds: an objective may be edited between two runs.
    """
    known = dict(about.get("asked", {}))
    for name, domain in asked.items():
        if isinstance(domain, Categorical):
            names = tuple(recorded(choice) for choice in domain.choices)
            if len(set(map(repr, names))) < len(names):
                continue  # choices that nobody can tell apart by what they are called
            domain = Categorical(*names)
        known[name] = domain_to_json(domain)
    return {**about, "asked": known}


def space_so_far(record: StudyRecord, history: History) -> Space | None:
    """Return the space that trials showed, its baseline the first trial that trained to its end.

    A full training is the longest so far. None while no trial has ended, or none asked for
    anything.

    Args:
        record: With what was asked in ``about``.
        history: The trials so far.
    """
    ended = [trial for trial in history.searched.trials if trial.state == "finished"]
    asked = record.about.get("asked")
    if not ended or not asked:
        return None
    full = max(trial.epochs for trial in ended)
    parameters: dict[str, Domain] = {
        f"{MODEL_PREFIX}{name}": domain_from_json(name, form) for name, form in asked.items()
    }
    return Space(parameters, replace(ended[0].recipe, epochs=full))


def as_strategies_see(history: History, space: Space) -> History:
    """Return a history by what trials reported, since the value is there for ended ones alone."""
    full = space.baseline.epochs
    trials = tuple(
        replace(trial, recipe=replace(trial.recipe, epochs=full))
        for trial in history.searched.trials
    )
    return replace(history.searched, trials=trials, metric="reported")
