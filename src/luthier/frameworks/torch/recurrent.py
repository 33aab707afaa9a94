"""Recurrent layers in an exported network: one operation each, as export would unroll them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import CaptureError

_library = torch.library.Library("luthier", "FRAGMENT")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "recurrent(Tensor input, Tensor[] weights, str kind, int layers, bool bidirectional, "
    "bool batch_first) -> (Tensor, Tensor, Tensor)"
)


def _shaped(
    input: Tensor,
    weights: list[Tensor],
    kind: str,
    layers: int,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return tensors of the shapes that results have: export asks for nothing else."""
    size, ways = weights[1].shape[1], 1 + bidirectional
    rows = input.shape[0 if batch_first else 1]
    state = input.new_zeros(layers * ways, rows, size)
    return input.new_zeros(*input.shape[:2], ways * size), state, state.clone()


_library.impl("recurrent", _shaped, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]


@contextmanager
def whole_recurrences(module: nn.Module) -> Iterator[None]:
    """Have recurrent layers of a network compute one operation each, while it is exported.

    Raises:
        CaptureError: for layers that one operation does not stand for; the text says why.
    """
    parts = [part for part in module.modules() if isinstance(part, nn.RNNBase)]
    for part in parts:
        name = type(part).__name__
        if type(part) not in (nn.LSTM, nn.GRU, nn.RNN):
            raise CaptureError(f"its {name} is a recurrent layer of its own")
        if part.proj_size:
            raise CaptureError(f"its {name} projects its states")
    try:
        for part in parts:
            part.forward = partial(_forward, part)
        yield
    finally:
        for part in parts:
            del part.forward


def _forward(layer: nn.RNNBase, input: Tensor, hx: Any = None) -> Any:
    name = type(layer).__name__
    if hx is not None:
        raise CaptureError(f"its {name} begins from states that it is given")
    if not isinstance(input, Tensor) or input.ndim != 3:
        raise CaptureError(f"its {name} reads what is no batch of sequences of one length")
    # By their names: export knows them as parameters, and the layer's own list as mere numbers.
    weights = [getattr(layer, one) for one in layer._flat_weights_names]
    drops = layer.dropout > 0 and layer.num_layers > 1
    groups, each = (layer.num_layers, 1) if drops else (1, layer.num_layers)
    size, outputs, found = len(weights) // groups, input, []
    for group in range(groups):
        if group:
            outputs = functional.dropout(outputs, layer.dropout, layer.training)
        outputs, *last = torch.ops.luthier.recurrent(
            *(outputs, weights[group * size : (group + 1) * size], layer.mode.lower(), each),
            *(layer.bidirectional, layer.batch_first),
        )
        found.append(last)
    states, cells = (
        parts[0] if len(parts) == 1 else torch.cat(parts) for parts in zip(*found, strict=True)
    )
    return outputs, (states, cells) if isinstance(layer, nn.LSTM) else states
