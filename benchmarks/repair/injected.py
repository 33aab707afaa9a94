"""Sound recipes with a fault put in: the corpus of `benchmarks.diagnosis`, whose fix is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.diagnosis import data, networks, recipes
from benchmarks.diagnosis.faults import FAULTS, Fault
from benchmarks.repair.broken import Broken, Side
from luthier.core import Recipe

_UNSAID = ("the loss is climbed",)  # a rate below zero: no recipe can say it
SETS = (
    "digits",
    "wine",
    "breast_cancer",
    "classification",
    "friedman",
    "diabetes",
    "waves",
    "moons",
    "quantiles",
    "blobs",
)


def injected(count: int, seed: int = 0) -> Iterator[Broken]:
    """Yield random faults in random sound recipes, and as many healthy ones as a tenth."""
    names = [name for name in data.SOURCES if name.startswith(SETS)]
    able = [fault for fault in FAULTS if not fault.hinted and fault.name not in _UNSAID]
    for number in range(count):
        rng = random.Random(1000 * seed + number)  # noqa: S311
        name = rng.choice(names)
        parts = data.parts(name, "")
        family = rng.choice(_families(parts.train[0]))
        base = recipes.drawn(family, parts.task, rng, recipes.NARROW)
        fits = [f for f in able if family in f.families and (not f.tasks or parts.task in f.tasks)]
        fault = rng.choice(fits)
        strength = rng.choice(list(fault.strengths))
        yield _broken(f"{number}:{name}/{family}/{fault.name} {strength}", name, family, base,
                      fault, strength)  # fmt: skip


def healthy(count: int, seed: int = 0) -> Iterator[Broken]:
    """Yield sound recipes."""
    names = [name for name in data.SOURCES if name.startswith(SETS)]
    for number in range(count):
        rng = random.Random(-1000 * (seed + 1) - number)  # noqa: S311
        name = rng.choice(names)
        parts = data.parts(name, "")
        family = rng.choice(_families(parts.train[0]))
        base = recipes.drawn(family, parts.task, rng, recipes.NARROW)
        side = _side(family, base, parts)
        yield Broken(f"healthy {number}:{name}/{family}", "", _kind(parts.task), side, None)


def _broken(
    title: str, name: str, family: str, base: Recipe, fault: Fault, strength: str
) -> Broken:
    changes = dict(fault.strengths[strength](base))
    spoilt = str(changes.pop("spoilt", ""))
    parts = data.parts(name, "")
    before = _side(family, base.replace(changes), data.parts(name, spoilt))
    return Broken(title, fault.name, _kind(parts.task), before, _side(family, base, parts))


def _side(family: str, recipe: Recipe, parts: data.Parts) -> Side:
    keys = {k: v for k, v in recipe.to_json().items() if k not in ("version", "network")}
    rows = [np.concatenate([parts.train[i], parts.val[i]]) for i in (0, 1)]
    return Side(networks.BUILDERS[family], keys, tuple(rows))


def _families(x: Any) -> list[str]:
    """Return networks for rows of a shape."""
    return {2: ["mlp"], 3: ["rnn"], 4: ["cnn"]}[np.ndim(x)]


def _kind(task: str) -> str:
    return "regression" if task == "regression" else "classification"
