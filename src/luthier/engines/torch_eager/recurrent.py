"""Recurrent layers that drop between each other: one call of PyTorch's a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

RECURRENT = tuple(getattr(torch, name) for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"))
"""PyTorch's functions behind its recurrent modules, which see all layers at once."""


def by_layers(
    func: Callable[..., Any], args: tuple[Any, ...], drop: Callable[[Tensor, float], Tensor]
) -> Any:
    """Call a recurrent function layer by layer, where it drops between them.

    Args:
        func: One of `RECURRENT`.
        args: As PyTorch's modules give them.
        drop: Drops numbers of a layer's outputs, given the rate.
    """
    packed = isinstance(args[1], Tensor) and isinstance(args[3], (list, tuple))
    first = 2 if packed else 1  # packed sequences come with the sizes of their batches
    states, weights, biases, layers, rate, training, both, *rest = args[first:]
    if not (training and rate > 0.0 and layers > 1):
        return func(*args)
    x, ways = args[0], 2 if both else 1
    each = len(weights) // layers
    cells = isinstance(states, (list, tuple))
    found: list[tuple[Tensor, ...]] = []
    for layer in range(layers):
        if layer:
            x = drop(x, rate)
        own = slice(layer * ways, (layer + 1) * ways)
        state = tuple(one[own] for one in states) if cells else states[own]
        x, *last = func(
            *(x, *args[1:first], state, list(weights[layer * each : (layer + 1) * each])),
            *(biases, 1, 0.0, training, both, *rest),
        )
        found.append(tuple(last))
    return (x, *(torch.cat(parts) for parts in zip(*found, strict=True)))
