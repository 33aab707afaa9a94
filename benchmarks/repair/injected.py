"""Tuned recipes with faults put in, whose fix is the tuned recipe; one in three has two faults."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.diagnosis import data
from benchmarks.diagnosis.faults import BY_NAME, FAULTS, Fault
from benchmarks.repair.broken import Broken
from benchmarks.repair.tuned import kind, side, tuned
from luthier.core import Recipe

_UNSAID = ("the loss is climbed",)  # a rate below zero: no recipe can say it
_BESIDE = (BY_NAME["no non-linearity"],)  # curves alone cannot tell it, but who sees layers can
TWO = 1 / 3  # of the cases have two faults
SETS = (  # tables: recurrent and convolutional networks take minutes a case
    "digits",
    "classification",
    "quantiles",
    "breast_cancer",
    "friedman1",
    "friedman2",
    "diabetes",
    "moons",
    "circles",
    "blobs",
)


def injected(number: int, seed: int) -> Broken:
    """Return a case: one or two random faults in a recipe that is among the best on its data."""
    rng = random.Random(f"{seed} {number}")  # noqa: S311 - a draw, no secret
    name, family, base, task = _base(rng)
    able = [f for f in FAULTS if not f.hinted and f.name not in _UNSAID] + [*_BESIDE]
    fits = [f for f in able if family in f.families and (not f.tasks or task in f.tasks)]
    changes, told = _changes(fits, base, rng, {})
    if rng.random() < TWO:
        more, second = _changes(fits, base, rng, changes)
        changes, told = {**changes, **more}, f"{told} + {second}"
    spoilt = str(changes.pop("spoilt", ""))
    before = side(family, base.replace(changes), data.parts(name, spoilt))
    fixed = side(family, base, data.parts(name, ""))
    return Broken(f"{number}:{name}/{family}/{told}", told, kind(task), before, fixed)


def healthy(number: int, seed: int) -> Broken:
    """Return a recipe that is among the best on its data, as it is."""
    rng = random.Random(f"{seed} healthy {number}")  # noqa: S311 - a draw, no secret
    name, family, base, task = _base(rng)
    given = side(family, base, data.parts(name, ""))
    return Broken(f"healthy {number}:{name}/{family}", "", kind(task), given, None)


def _base(rng: random.Random) -> tuple[str, str, Recipe, str]:
    name = rng.choice(SETS)
    parts = data.parts(name, "")
    family = {2: "mlp", 3: "rnn", 4: "cnn"}[np.ndim(parts.train[0])]
    return name, family, rng.choice(tuned(name, family)), parts.task


def _changes(
    fits: Sequence[Fault], base: Recipe, rng: random.Random, there: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Return what a random fault changes, that leaves alone what another one has changed."""
    while True:
        fault = rng.choice(fits)
        strength = rng.choice(list(fault.strengths))
        found = dict(fault.strengths[strength](base))
        if not found.keys() & there.keys():
            return found, f"{fault.name} {strength}"
