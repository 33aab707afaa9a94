"""Whether the gradient of one step is still there when the next one's is added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge
from torch.optim import Optimizer

from luthier.frameworks.torch.watching_guard import Guard

TRIES = 8  # small tensors that are asked for a gradient that is not zero


class StaleGradients:
    """Follows one small parameter from a step to the next.

    A hook is called before each backward pass adds to its gradient. If the first pass finds
    the last step's gradient unchanged, and none finds it zeroed, nobody did. Accumulation over
    several passes begins with none, and so does whoever zeroes after the forward pass; an
    adversary's pass may come before the gradient is zeroed.

    >>> weight = torch.nn.Parameter(torch.ones(1))
    >>> optimizer = torch.optim.SGD([weight], lr=0.1)
    >>> stale = StaleGradients(optimizer)
    >>> for _ in range(3):
    ...     handles = stale.attach()
    ...     weight.sum().backward()
    ...     optimizer.step()
    ...     stale.finish()
    ...     for handle in handles:
    ...         handle.remove()
    >>> stale.counts()
    {'intervals': 2, 'intervals_not_zeroed': 2}
    """

    def __init__(self, optimizer: Optimizer, guard: Guard | None = None) -> None:
        self._guard = guard or Guard()
        given = [p for group in optimizer.param_groups for p in group["params"]]
        self._candidates = sorted(given, key=lambda p: p.numel())
        self._probe: Tensor | None = None
        self._left: Tensor | None = None
        self._node: Any = None  # nobody else holds it before the forward pass
        self._calls = self._zeroed = 0
        self._intervals = self._stale = 0

    def attach(self) -> list[Any]:
        """Choose a parameter that the last step left with a gradient, and follow it."""
        self._calls = self._zeroed = 0
        self._probe = self._left = self._node = None
        with_gradient = [
            p for p in self._candidates if p.requires_grad and isinstance(p.grad, Tensor)
        ]
        for p in with_gradient[:TRIES]:
            if p.grad is not None and p.grad.layout == torch.strided and bool(p.grad.any()):
                self._probe, self._left = p, p.grad.detach().clone()
                # A hook on the tensor leaves an empty one behind that every later step would pay
                # for; one on the node that adds to the gradient is gone with the node.
                self._node = get_gradient_edge(p).node
                return [self._node.register_prehook(self._guard.hook(self._arrives))]
        return []

    def _arrives(self, gradients: tuple[Tensor, ...]) -> None:
        if self._probe is None:
            return
        self._calls += 1
        there = self._probe.grad
        if there is None or not bool(there.any()):
            self._zeroed += 1
        elif self._calls == 1 and self._left is not None:
            self._zeroed += not torch.equal(there, self._left)

    def finish(self) -> None:
        """Take note of one step."""
        if self._probe is not None and self._calls:
            self._intervals += 1
            self._stale += not self._zeroed
        self._probe = self._left = self._node = None

    def counts(self) -> Mapping[str, int]:
        """Return how many steps were followed, and in how many nothing was zeroed."""
        return {"intervals": self._intervals, "intervals_not_zeroed": self._stale}
