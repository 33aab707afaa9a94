"""Layers that compute with 16 bits: what is kept, what is refused, and what is said of it."""

from __future__ import annotations

from typing import Any

import keras

from luthier.core import Build, BuilderError


def half_precision(model: Any) -> tuple[str, str]:
    """Return the first layer that computes with 16 bits, and in which type; empty for none.

    >>> layer = keras.layers.Dense(1, dtype="mixed_bfloat16", name="last")
    >>> half_precision(keras.Sequential([keras.layers.Input((2,)), layer]))
    ('last', 'bfloat16')
    """
    for layer in model._flatten_layers():
        if str(layer.compute_dtype) in ("float16", "bfloat16"):
            return str(layer.name), str(layer.compute_dtype)
    return "", ""


def refuse_float16(build: Build, model: Any) -> None:
    """Refuse layers in float16.

    Raises:
        BuilderError: since gradients would be lost without a scale on the loss.
    """
    layer, kind = half_precision(model)
    if kind == "float16":
        raise BuilderError(
            f"{build.reference}: layer {layer} computes in float16, where small gradients become 0 "
            "unless the loss is scaled, which luthier does not do. Leave its dtype policy out, or "
            'write dtype="mixed_bfloat16".'
        )


def precision_notes(model: Any) -> list[str]:
    """Say where a dtype policy of the user's meets the recipe's precision."""
    policy = keras.config.dtype_policy()
    layer, kind = half_precision(model)
    if kind:
        return [f"precision: layer {layer} computes in {kind} by its own policy, and does so here"]
    if policy.compute_dtype in ("float16", "bfloat16"):
        return [
            f"precision: float32, although Keras' policy is {policy.name}: the recipe sets it "
            "while the network is built"
        ]
    return []
