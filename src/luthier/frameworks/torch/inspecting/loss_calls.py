"""Which losses of PyTorch a user's code calls, and with what.

A function of a network and a batch need not say what its outputs and its targets are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from luthier.core import LossFacts
from luthier.frameworks.torch.inspecting.objective import Objective

ABOVE = 1e-4  # a logarithm of a share is never above zero, but for rounding
OFF = 0.05  # of the logarithm of what shares add up to: half precision comes within a fiftieth
SAME = 1e-6  # of a loss: it is the call's value and nothing else
_PAIRED = (
    functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss, functional.huber_loss,
    functional.cross_entropy, functional.binary_cross_entropy,
    functional.binary_cross_entropy_with_logits,
)  # fmt: skip
_LOGARITHMS = (functional.kl_div, functional.ctc_loss, functional.nll_loss)


class Call(NamedTuple):
    """A loss as it was called, and the mean of what it returned."""

    function: Any
    args: tuple[Any, ...]
    options: dict[str, Any]
    value: float


class Pair(NamedTuple):
    """What a loss compares, and the loss as a function of it.

    Attributes:
        outputs, target: As the loss got them.
        objective: The loss of others.
        fixed: Nothing else that it got is of these rows, as weights of each of them are.
    """

    outputs: Tensor
    target: Tensor
    objective: Objective
    fixed: bool


class LossCalls(TorchFunctionMode):
    """Looks at what losses are called with, wherever they stand in the user's code.

    >>> import torch
    >>> outputs = torch.zeros(4, 3, requires_grad=True)
    >>> with LossCalls() as seen:
    ...     loss = functional.kl_div(outputs.softmax(1), outputs.exp(), reduction="sum")
    >>> seen.told(LossFacts()).unlogged
    'kl_div'
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Call] = []

    def __enter__(self) -> LossCalls:
        """Begin to look; what torch returns there has no type."""
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a call, and remember it if it is a loss."""
        result = func(*args, **(kwargs or {}))
        if func in _PAIRED or func in _LOGARITHMS:
            # Names of the first two differ, and both may be given by name.
            named = dict(kwargs or {})
            first = [named.pop(key) for key in ("input", "log_probs") if key in named]
            second = [named.pop(key) for key in ("target", "targets") if key in named]
            try:
                value = float(result.detach().mean())
            except RuntimeError:
                return result  # within vmap and the like no number is one yet
            self._calls.append(Call(func, (*args, *first, *second), named, value))
        return result

    def told(self, facts: LossFacts) -> LossFacts:
        """Return facts of a loss, with the first call that takes logarithms and got none."""
        for call in self._calls:
            if call.args and _unlogged(call):
                given = call.args[0].detach()
                reach = float(given.min()), float(given.max())
                return replace(facts, unlogged=call.function.__name__, unlogged_range=reach)
        return facts

    def pair(self, loss: Tensor) -> Pair | None:
        """Return what a loss compares, if one call is all of it.

        Args:
            loss: What the user's code came to.
        """
        for call in self._calls:
            if call.function not in _PAIRED or len(call.args) < 2:
                continue
            given, target, *others = call.args
            if not _has_rows(given) or not _has_rows(target):
                continue
            learnt = given.requires_grad and not target.requires_grad
            if not learnt or not math.isclose(call.value, float(loss.detach()), rel_tol=SAME):
                continue
            rest = (*others, *call.options.values())
            fixed = not any(_has_rows(one) and len(one) == len(given) for one in rest)
            objective = Objective(_again(call.function, others, call.options))
            return Pair(given, target, objective, fixed)
        return None


def _has_rows(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0 and value.numel() > 0


def _again(function: Any, others: list[Any], options: dict[str, Any]) -> Callable[..., Any]:
    """Return a loss as it was called, of other outputs and targets, by its own name."""

    @functools.wraps(function)
    def loss(outputs: Any, target: Any) -> Any:
        return function(outputs, target, *others, **options)

    return loss


def _unlogged(call: Call) -> bool:
    """Tell whether a loss that takes logarithms of shares got other numbers.

    A divergence may be of shares along any dimension, and of more than one: there only numbers
    count that no logarithm of a share can be.
    """
    values = call.args[0]
    if not isinstance(values, Tensor) or not values.numel():
        return False
    if call.function is functional.kl_div:
        return bool(values.detach().max() > ABOVE)
    if call.function not in _LOGARITHMS:
        return False
    dim = -1 if call.function is functional.ctc_loss else min(1, values.ndim - 1)
    totals = values.detach().double().logsumexp(dim)
    return bool(totals.isfinite().all()) and bool(totals.abs().max() > OFF)
