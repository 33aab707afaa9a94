"""What hidden layers put out: the share of saturated values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from luthier.frameworks.torch.watching_guard import Guard

LAYERS = 32
CALLS = 64  # of one layer within a step: cells of a recurrent network are called each time
EDGE = 0.99  # of tanh, and of 2 sigmoid - 1: the slope there is a fiftieth of its highest
_DROPOUTS = (nn.modules.dropout._DropoutNd, nn.RNNBase, nn.MultiheadAttention)


class Layers:
    """Hooks on tanh and sigmoid modules, attached for sampled steps alone.

    The last module called is taken for the output, which may saturate where the network is sure.
    Gates within LSTM, GRU and attention are no modules, and not looked at.
    """

    def __init__(self, model: nn.Module, guard: Guard) -> None:
        self._model, self._guard = model, guard
        found = [(n, m) for n, m in model.named_modules() if isinstance(m, (nn.Tanh, nn.Sigmoid))]
        self._found = found[:LAYERS]
        self._shares: dict[str, list[Tensor]] = {}

    def attach(self) -> list[Any]:
        """Attach hooks for one step."""
        self._shares = {}
        return [
            layer.register_forward_hook(self._guard.hook(self._hook(name)))
            for name, layer in self._found
        ]

    def _hook(self, name: str) -> Any:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            # Validation in between is not training.
            if not module.training or not torch.is_grad_enabled() or not isinstance(output, Tensor):
                return
            value = output.detach()
            value = 2.0 * value - 1.0 if isinstance(module, nn.Sigmoid) else value
            if len(self._shares.setdefault(name, [])) < CALLS:
                self._shares[name].append((value.abs() > EDGE).float().mean())

        return hook

    def write(self, row: dict[str, Any]) -> None:
        """Write the shares of one step."""
        last = self._last() if self._shares else ""
        for name, shares in self._shares.items():
            if name != last:
                row[f"saturated/{name}"] = sum(map(float, shares)) / len(shares)
        self._shares = {}

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
