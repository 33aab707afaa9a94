"""What the engines on JAX cannot train, one trial at a time or in packs."""

from __future__ import annotations

from luthier.core import Captured, CaptureError, Recipe
from luthier.engines.chunks.setups import Setups
from luthier.engines.compiled.lower import unknown_operation


def unfit(captured: Captured, recipe: Recipe, setups: Setups) -> str | None:
    """Return in words why a network cannot be lowered for a recipe; None where it can.

    Args:
        captured: The network.
        recipe: How it would be trained.
        setups: Is told when capturing begins.
    """
    setups.begin(captured.signature)
    try:
        graph = captured.graph()
    except CaptureError as error:
        return str(error)
    if recipe.mixup and "embedding" in graph.train.operations:
        return "it does not mix whole numbers"
    return unknown_operation(graph)
