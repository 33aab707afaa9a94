"""Neighbours: recipes that differ in a few values from the best ones so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from luthier.core import Categorical, History, Recipe, Space

if TYPE_CHECKING:
    from numpy.typing import NDArray


def neighbours(
    space: Space,
    history: History,
    count: int,
    rng: np.random.Generator,
    *,
    parents: int = 3,
    share: float = 0.3,
    spread: float = 0.15,
    attempts: int = 16,
) -> list[Recipe]:
    """Return recipes near the best trials that no trial has yet.

    In a space of a dozen dimensions evenly spread points are seldom better than a sound default;
    a few changed values of what does well often are (the mutations of Real et al. 2019,
    "Regularized Evolution").

    Args:
        space: What may vary.
        history: The trials so far.
        count: How many recipes are wanted.
        rng: Draws the changes.
        parents: From how many of the best trials they start; one would be a bet on noise.
        share: Chance of each value to change: about four of a dozen.
        spread: Standard deviation of a change, as a share of the range.
        attempts: Draws for each recipe that is wanted, before giving up on a small space.
    """
    scored = [trial for trial in history.trials if history.loss(trial) != float("inf")]
    best = sorted(scored, key=lambda t: (history.loss(t), t.number))[:parents]
    if not best or not space.dimensions:
        return []
    seen = {trial.recipe.identity for trial in history.trials}
    found: list[Recipe] = []
    for draw in range(attempts * count):
        if len(found) == count:
            break
        parent = best[draw % len(best)].recipe
        recipe = space.decode(_changed(space, parent, rng, share, spread).tolist())
        if recipe.identity not in seen:
            seen.add(recipe.identity)
            found.append(recipe)
    return found


def _changed(
    space: Space, parent: Recipe, rng: np.random.Generator, share: float, spread: float
) -> NDArray[np.float64]:
    """Return a parent's point with some coordinates moved, choices drawn anew."""
    point = np.array(space.encode(parent))
    moves = rng.random(len(point)) < share
    moves[rng.integers(len(point))] = True
    moved = point + rng.normal(0.0, spread, len(point))
    moved = 1.0 - np.abs(1.0 - np.abs(moved) % 2.0)  # reflected at both ends of the range
    chosen = [isinstance(space.active(name, parent), Categorical) for name in space.parameters]
    moved = np.where(chosen, rng.random(len(point)), moved)
    return np.where(moves, moved, point)


def moved(
    space: Space,
    parents: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    share: float = 0.35,
    spreads: tuple[float, ...] = (0.03, 0.1, 0.25),
) -> NDArray[np.float64]:
    """Return points near others, one each: some coordinates moved, choices drawn anew.

    Args:
        space: What may vary.
        parents: Points, shape (n, dimensions).
        rng: Draws the changes.
        share: Chance of each coordinate to move; at least one does.
        spreads: Standard deviations of a move, each as likely: fine, middling and wide.
    """
    count, dimensions = parents.shape
    moves = rng.random(parents.shape) < share
    moves[np.arange(count), rng.integers(dimensions, size=count)] = True
    steps = rng.normal(size=parents.shape) * rng.choice(spreads, (count, 1))
    near = np.clip(parents + steps, 0.0, 1.0)
    chosen = [isinstance(domain, Categorical) for domain in space.parameters.values()]
    near = np.where(chosen, rng.random(parents.shape), near)
    return np.where(moves, near, parents)
