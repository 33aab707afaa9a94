"""Quasi-random points: they cover a space more evenly than random ones.

Sobol's sequence with a random shift (Cranley and Patterson 1976), as the Deep Learning Tuning
Playbook advises for exploration.
"""

from __future__ import annotations

import warnings
from math import ceil

import numpy as np

from luthier.core import History, Recipe, Space


def points(dimensions: int, start: int, count: int, seed: int) -> np.ndarray:
    """Return some points of the shifted sequence, shape (count, dimensions), in [0, 1).

    >>> points(2, 0, 2, seed=0).shape
    (2, 2)
    """
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=False)
    if start:
        sequence.fast_forward(start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "n should be a power of 2": balance is not at stake
        drawn = sequence.random(count)
    return np.asarray((drawn + np.random.default_rng(seed).random(dimensions)) % 1.0)


def new_recipes(
    space: Space, history: History, count: int, attempts: int = 16, *, lean: float = 0.0
) -> list[Recipe]:
    """Return recipes that no trial has yet; fewer where a small space is used up.

    Args:
        space: What may vary.
        history: The trials so far; their number decides where in the sequence to go on.
        count: How many recipes are wanted.
        attempts: Points looked at for each recipe that is wanted, before giving up.
        lean: Share of them that lies where the best is thought to be (`Space.lean`).
    """
    if count <= 0 or not space.dimensions:
        return []
    seen = {trial.recipe.identity for trial in history.trials} | {space.baseline.identity}
    found: list[Recipe] = []
    spread = points(space.dimensions, len(history.trials), attempts * count, history.seed).tolist()
    for index, point in enumerate(spread):
        near = ceil((index + 1) * lean) > ceil(index * lean)
        recipe = space.decode(space.lean(point) if near else point)
        if recipe.identity not in seen:
            seen.add(recipe.identity)
            found.append(recipe)
        if len(found) == count:
            break
    return found
