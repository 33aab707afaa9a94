"""Recipes that are as good as recipes get on their data: what a fault is put into."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from benchmarks.diagnosis import data, networks, recipes
from benchmarks.diagnosis.store import folder
from benchmarks.repair.broken import Side
from luthier.core import Recipe
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.repair.proving import guess
from luthier.loop.training.scoring import part_scores
from luthier.loop.training.train import train_assembled

DRAWN = 40  # random recipes: as many as the references of `benchmarks.diagnosis` are the best of
FINALISTS, SEEDS = 5, 3  # that are trained again, and how often
SEED = 11  # of what is drawn
NEAR = 0.05  # of what there is to learn, within which a finalist is as good as the best


def side(family: str, recipe: Recipe, parts: data.Parts) -> Side:
    """Return a network, a recipe and all rows of a data set."""
    keys = {k: v for k, v in recipe.to_json().items() if k not in ("version", "network")}
    rows = [np.concatenate([parts.train[i], parts.val[i]]) for i in (0, 1)]
    return Side(networks.BUILDERS[family], keys, tuple(rows))


def kind(task: str) -> str:
    """Return how luthier calls a task."""
    return "regression" if task == "regression" else "classification"


@lru_cache
def tuned(name: str, family: str) -> tuple[Recipe, ...]:
    """Return the best of some random recipes, by validation rows and the mean of three seeds.

    They are kept below the user's cache folder, for each costs half a minute.

    Args:
        name: Of the data set.
        family: Which network.
    """
    path = folder() / f"tuned-{name}-{family}.json"
    if path.exists():
        return tuple(Recipe().replace(keys) for keys in json.loads(path.read_text()))
    rng = random.Random(f"{SEED} {name} {family}")  # noqa: S311 - a draw, no secret
    source = data.parts(name, "")
    drawn = [recipes.drawn(family, source.task, rng, recipes.NARROW) for _ in range(DRAWN)]
    given = side(family, drawn[0], source)
    metric = "rmse" if source.task == "regression" else "log_loss"
    parts = assemble(
        given.build, given.data, recipe=given.recipe, task=kind(source.task), metric=metric
    )
    drawn = [one.replace({"network": parts.recipe.network}) for one in drawn]
    first = sorted(drawn, key=lambda one: _score(parts, one, 0))[:FINALISTS]
    means = [np.mean([_score(parts, one, 1000 + s) for s in range(SEEDS)]) for one in first]
    level = min(means) + NEAR * (_guessing(parts) - min(means))
    best = sorted(zip(first, means, strict=True), key=_second)
    kept = [one for one, mean in best if mean <= level]
    plain = [{k: v for k, v in one.to_json().items() if k != "version"} for one in kept]
    folder().mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain))
    return tuple(kept)


def _second(pair: tuple[Recipe, Any]) -> float:
    return float(pair[1])


def _score(parts: Assembly, recipe: Recipe, seed: int) -> float:
    score = train_assembled(replace(parts, recipe=recipe), seed=seed).score
    return float(score) if score is not None and np.isfinite(score) else np.inf


def _guessing(parts: Assembly) -> float:
    arrays = parts.arrays
    outputs = guess(arrays.train, arrays.val, arrays.task.n_outputs, bool(arrays.task.classes))
    return part_scores(arrays, outputs, arrays.val)[arrays.task.metric]
