"""Probe: does an engine train a network as the reference does? Two steps both ways tell."""

from __future__ import annotations

from dataclasses import replace
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
    rounding: float = 2e-5,
) -> str | None:
    """Train two steps on two engines from the same state, and compare.

    A network that is to train in bfloat16 is compared in single precision. Compared are
    evaluation before the first step; loss, gradient norm, moments, weights and buffers after it;
    loss and gradient norm of the second step, whose batch sees what the first one left behind.
    Later values are not: an optimizer such as Adam makes a full step of a gradient that is nothing
    but rounding noise, and those steps differ from engine to engine.

    Args:
        engine: What is to train.
        reference: What is known to be right.
        captured: The network.
        arrays: The data.
        recipe: How it will be trained.
        seed: Decides batches and masks.
        tolerance: Largest relative difference of gradients, and of what follows them, that is
            rounding. Wrong gradients are known to differ by 2e-3 and more.
        rounding: The same for losses at equal weights; ten times single precision's. A network
            whose rows depend on each other in evaluation differs by little more.

    Returns:
        What differs, in words; None where nothing does.
    """
    # At a rate that is worth training with: one that diverges blows rounding up to any size.
    usual = optimizers.by_name(recipe.optimizer).default_learning_rate
    recipe = recipe.replace({"learning_rate": min(recipe.learning_rate, usual)})
    if recipe.precision == "bfloat16":  # what it rounds would hide what is wrong
        recipe = recipe.replace({"precision": "float32"})
        full = replace(captured.signature, precision="float32")
        captured = replace(captured, recipe=recipe, signature=full)
    tries: list[list[Rehearsal]] = []
    for one in (reference, engine):
        one.open(captured, arrays)
        one.put(0, recipe, seed, captured.initial)
        try:
            tries.append([one.rehearse(0, steps) for steps in (0, 1, 2)])
        except Exception as error:
            if one is reference:
                raise  # then it is the network
            return f"it raised {type(error).__name__}: {error}"
    (true_start, true_first, true_second), (start, first, second) = tries
    numbers = [
        (
            "the training loss in evaluation mode",
            start.sample_loss,
            true_start.sample_loss,
            rounding,
        ),
        ("the validation loss", start.val_loss, true_start.val_loss, rounding),
    ]
    for step, limit in ((0, rounding), (1, tolerance)):
        if step < len(true_second.losses):  # an epoch may have one step
            losses = (second.losses[step], true_second.losses[step])
            norms = (second.norms[step], true_second.norms[step])
            numbers.append((f"the loss of step {step + 1}", *losses, limit))
            numbers.append((f"the gradient norm of step {step + 1}", *norms, tolerance))
    for what, found, expected, limit in numbers:
        if not _close(np.array(found), np.array(expected), limit):
            return f"{what} is {found:.6g}, and {expected:.6g} in {reference.name}"
    return _state_difference(first, true_first, captured, tolerance)


def _state_difference(
    found: Rehearsal, expected: Rehearsal, captured: Captured, tolerance: float
) -> str | None:
    """Compare moments and buffers; and weights, wherever a moment tells noise from gradient."""
    start, trained_names = captured.initial.group("weights"), captured.trainable
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
    if not np.isfinite(expected).all():
        return not np.isfinite(found).all()
    smallest = 1e-6 * float(np.abs(scale).max()) if scale is not None else 0.0
    floor = 1e-5 * float(np.abs(expected).max()) + smallest + 1e-12
    return bool(np.allclose(found, expected, rtol=tolerance, atol=floor, equal_nan=True))
