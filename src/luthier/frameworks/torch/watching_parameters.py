"""Which parameters move, and which ought to and do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from luthier.frameworks.torch.watching_guard import Guard

NUMBERS = 16  # of a parameter that are compared
LOOKS = 12  # sampled steps before a parameter without gradient is asked for
_KINDS = (list, tuple, dict)


class Parameters:
    """Compares a few numbers of every parameter with what they were.

    Args:
        model: The network; layers in plain lists, which it does not know, are looked at too.
        optimizers: Those that are watched.
        guard: Keeps hooks from breaking anything.
    """

    def __init__(self, model: nn.Module, optimizers: Sequence[Optimizer], guard: Guard) -> None:
        self._model, self._optimizers, self._guard = model, optimizers, guard
        self._before: dict[str, tuple[Tensor, Tensor]] = {}
        self._hidden = tuple(hidden_layers(model))
        self._silent: dict[str, Tensor] = {}
        self._ran: set[str] = set()
        self._looks = 0

    def remember(self) -> None:
        """Take note of how parameters stand now."""
        named = list(self._model.named_parameters())
        for place, layer in self._hidden:
            named += [(f"{place}.{name}", p) for name, p in layer.named_parameters()]
        self._before = {n: (p, _few(p)) for n, p in named if p.requires_grad and p.numel()}
        self._silent = {n: p for n, (p, _) in self._before.items()}

    def look(self) -> None:
        """Strike off whatever has a gradient in a sampled step."""
        self._looks += 1
        self._silent = {n: p for n, p in self._silent.items() if p.grad is None}

    def attach(self) -> list[Any]:
        """For one sampled step, ask whether layers without gradient take part in training."""
        if self._looks != LOOKS or not self._silent:
            return []
        silent = {id(p): n for n, p in self._silent.items()}
        return [
            layer.register_forward_pre_hook(
                self._guard.hook(self._hook([silent[id(p)] for p in own]))
            )
            for layer in self._model.modules()
            if (own := [p for p in layer.parameters(recurse=False) if id(p) in silent])
        ]

    def _hook(self, names: list[str]) -> Any:
        def hook(module: nn.Module, args: Any) -> None:
            if module.training and torch.is_grad_enabled():
                self._ran.update(names)

        return hook

    def facts(self) -> dict[str, Any]:
        """Return names and sizes of the parameters that never moved, and why that is odd."""
        given = {
            id(p) for one in self._optimizers for group in one.param_groups for p in group["params"]
        }
        trainable = {n: p for n, (p, _) in self._before.items() if p.requires_grad}
        still = {n for n, (p, few) in self._before.items() if torch.equal(_few(p), few)}
        outside = [
            n for n, p in trainable.items() if id(p) not in given and n in still and _pulled(p)
        ]
        inside = [n for n, p in trainable.items() if id(p) in given]
        waiting = [n for n in inside if n in still and _pulled(trainable[n])]
        gradless = [n for n in inside if n in still and n in self._silent and n in self._ran]
        order = list(trainable)
        last = max((order.index(n) for n in outside), default=-1)
        size = max(sum(p.numel() for p in trainable.values()), 1)
        return {
            "not_in_optimizer": tuple(outside),
            "not_in_optimizer_share": sum(trainable[n].numel() for n in outside) / size,
            # Whoever hands over the last layers alone may mean to train them alone.
            "not_in_optimizer_first": last < min((order.index(n) for n in inside), default=0),
            "in_optimizer": len(inside),
            "waiting_share": sum(trainable[n].numel() for n in waiting) / size,
            "hidden_layers": tuple(place for place, _ in self._hidden),
            "without_gradient": tuple(gradless),
            "without_gradient_share": sum(trainable[n].numel() for n in gradless) / size,
        }


def hidden_layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return layers in plain lists, tuples or dicts of a network: it does not know them.

    >>> class Stack(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = [nn.Linear(2, 2), nn.ReLU()]
    >>> [name for name, _ in hidden_layers(Stack())]
    ['layers[0]']
    """
    known = {id(layer) for layer in model.modules()}
    found = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") or not isinstance(value, _KINDS):
                continue
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, one in pairs:
                if (
                    isinstance(one, nn.Module)
                    and id(one) not in known
                    and any(True for _ in one.parameters())
                ):
                    place = f"{path}.{name}[{key!r}]" if path else f"{name}[{key!r}]"
                    found.append((place, one))
    return found


def _few(parameter: Tensor) -> Tensor:
    flat = parameter.detach().reshape(-1)
    return flat[:: max(1, flat.numel() // NUMBERS)][: 2 * NUMBERS].clone()


def _pulled(parameter: Tensor) -> bool:
    """Tell whether a loss has pulled at a parameter: its gradient is not zero."""
    grad = parameter.grad
    return grad is not None and (grad.layout != torch.strided or bool(grad.any()))
