"""What hidden layers put out: the share of saturated values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LAYERS = 32
EDGE = 0.99  # of tanh, and of 2 sigmoid - 1: the slope there is a fiftieth of its highest
_DROPOUTS = (nn.modules.dropout._DropoutNd, nn.RNNBase, nn.MultiheadAttention)


class Layers:
    """Hooks on tanh and sigmoid modules, attached for sampled steps alone.

    The last module called is taken for the output, which may saturate where the network is sure.
    Gates within LSTM, GRU and attention are no modules, and not looked at.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        found = [(n, m) for n, m in model.named_modules() if isinstance(m, (nn.Tanh, nn.Sigmoid))]
        self._found = found[:LAYERS]
        self._sums: dict[str, tuple[Tensor, int]] = {}

    def attach(self) -> list[Any]:
        """Attach hooks for one step."""
        self._sums = {}
        return [layer.register_forward_hook(self._hook(name)) for name, layer in self._found]

    def _hook(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            # As a compiler traces it the hook is nothing; validation in between is not training.
            if torch.compiler.is_compiling() or not module.training:
                return
            if not isinstance(output, Tensor) or not torch.is_grad_enabled():
                return
            value = output.detach()
            value = 2.0 * value - 1.0 if isinstance(module, nn.Sigmoid) else value
            share = (value.abs() > EDGE).float().mean()
            total, count = self._sums.pop(name, (torch.zeros_like(share), 0))
            self._sums[name] = (total + share, count + 1)

        return hook

    def write(self, row: dict[str, Any]) -> None:
        """Write the shares of one step."""
        hidden = list(self._sums.items())
        if self._found and hidden and hidden[-1][0] == self._last():
            hidden = hidden[:-1]
        for name, (total, count) in hidden:
            row[f"saturated/{name}"] = float(total) / count
        self._sums = {}

    def _last(self) -> str:
        """Return the name of the last leaf, taken for the output."""
        leaves = [n for n, m in self._model.named_modules() if not list(m.children())]
        return leaves[-1] if leaves else ""

    def settings(self) -> dict[str, Any]:
        """Return the highest dropout rate of the network."""
        rates = []
        for layer in self._model.modules():
            if isinstance(layer, _DROPOUTS):
                rate = layer.p if isinstance(layer, _DROPOUTS[0]) else layer.dropout
                rates.append(float(rate))
        return {"dropout": max(rates)} if rates else {}
