"""Probe: does an engine train a network as the reference does? Two steps both ways tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.catalog import optimizers
from luthier.core import Arrays, Captured, Engine, Recipe, Rehearsal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def probe(
    engine: Engine,
    reference: Engine,
    captured: Captured,
    arrays: Arrays,
    recipe: Recipe,
    seed: int,
    *,
    tolerance: float = 1e-3,
) -> str | None:
    """Train two steps on two engines from the same state, and compare.

    Compared are evaluation before the first step; loss, gradient norm, moments, weights and
    buffers after it; loss and gradient norm of the second step, whose batch sees what the first
    one left behind. Later values are not: an optimizer such as Adam makes a full step of a
    gradient that is nothing but rounding noise, and those steps differ from engine to engine.

    Args:
        engine: What is to train.
        reference: What is known to be right.
        captured: The network.
        arrays: The data.
        recipe: How it will be trained.
        seed: Decides batches and masks.
        tolerance: Largest relative difference that is rounding. Wrong gradients are known to
            differ by 2e-3 and more, single precision by less than 1e-5.

    Returns:
        What differs, in words; None where nothing does.
    """
    # At a rate that is worth training with: one that diverges blows rounding up to any size.
    usual = optimizers.by_name(recipe.optimizer).default_learning_rate
    recipe = recipe.replace({"learning_rate": min(recipe.learning_rate, usual)})
    tries: list[list[Rehearsal]] = []
    for one in (engine, reference):
        one.open(captured, arrays)
        one.put(0, recipe, seed, captured.initial)
        tries.append([one.rehearse(0, steps) for steps in (0, 1, 2)])
    (start, first, second), (true_start, true_first, true_second) = tries
    numbers = [
        ("the training loss in evaluation mode", start.sample_loss, true_start.sample_loss),
        ("the validation loss", start.val_loss, true_start.val_loss),
        *_pairs("the loss of step", second.losses, true_second.losses),
        *_pairs("the gradient norm of step", second.norms, true_second.norms),
    ]
    for what, found, expected in numbers:
        if not _close(np.array(found), np.array(expected), tolerance):
            return f"{what} is {found:.6g}, and {expected:.6g} in {reference.name}"
    return _state_difference(first, true_first, captured, tolerance)


def _pairs(
    what: str, found: tuple[float, ...], expected: tuple[float, ...]
) -> list[tuple[str, float, float]]:
    return [(f"{what} {n + 1}", *pair) for n, pair in enumerate(zip(found, expected, strict=True))]


def _state_difference(
    found: Rehearsal, expected: Rehearsal, captured: Captured, tolerance: float
) -> str | None:
    """Compare moments and buffers; and weights, wherever a moment tells noise from gradient."""
    start, trained_names = captured.initial.group("weights"), captured.graph().trainable
    moments = expected.state.group("slots")
    for name, moment in moments.items():
        if not _close(found.state.group("slots")[name], moment, tolerance):
            return f"the optimizer's '{name}' differs after one step"
    new, true = found.state.group("weights"), expected.state.group("weights")
    for name, value in true.items():
        trained = name in trained_names
        if trained and moments:
            continue  # what moved it was compared above, and its norm with the next loss
        if not _close(new[name] - start[name], value - start[name], tolerance, value):
            kind = "parameter" if trained else "buffer"
            return f"{kind} '{name}' differs after one step"
    return None


def _close(found: Array, expected: Array, tolerance: float, scale: Array | None = None) -> bool:
    """Tell whether values agree, up to the rounding of the largest among them."""
    if expected.size == 0:
        return True
    rounding = 1e-6 * float(np.abs(scale).max()) if scale is not None else 0.0
    floor = 1e-5 * float(np.abs(expected).max()) + rounding + 1e-12
    return bool(np.allclose(found, expected, rtol=tolerance, atol=floor, equal_nan=True))
