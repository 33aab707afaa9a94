"""A forward pass with single operations left out or exchanged, wherever they stand in the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from luthier.frameworks.torch.inspecting.graph_ops import source

_LAST = {
    "softmax", "log_softmax", "sigmoid", "relu", "relu_", "tanh", "hardtanh", "hardsigmoid",
    "sigmoid_", "tanh_", "clamp", "clamp_min",
}  # fmt: skip
_DROPOUTS = {"dropout", "alpha_dropout", "feature_dropout"}
_SATURATING = {"sigmoid", "tanh", "softmax", "sigmoid_", "tanh_", "hardsigmoid"}


class Recorder(TorchFunctionMode):
    """Numbers the calls of activations in a forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Tensor]] = []
        self._dropouts: list[tuple[Tensor, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a call, and remember what it returned."""
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in _LAST and isinstance(result, Tensor):
            self.calls.append((func.__name__, result))
        elif getattr(func, "__name__", "") in _DROPOUTS and args and result is not args[0]:
            self._dropouts.append((args[0], result))
        return result

    def undropped(self, output: Tensor) -> tuple[Tensor, float]:
        """Return what dropout got whose result the output is, and the share that it set to 0."""
        made = source(output)
        for before, after in self._dropouts:
            if made is not None and after.grad_fn is made:
                gone = (after == 0) & (before != 0)
                return before, float(gone.sum()) / max(float((before != 0).sum()), 1.0)
        return output, 0.0

    def last(self, output: Tensor) -> int | None:
        """Return the number of the call that made the output."""
        made = source(output)
        for number, (_, result) in enumerate(self.calls):
            if made is not None and result.grad_fn is made:
                return number
        return None


class Instead(TorchFunctionMode):
    """Exchanges numbered calls of activations for another function.

    Args:
        function: Takes the call's first argument.
        number: Which call; None for all that saturate, `spared` excepted.
        spared: The call that stays, where `number` is None.
    """

    def __init__(
        self, function: Callable[[Tensor], Tensor], number: int | None, spared: int | None = None
    ) -> None:
        super().__init__()
        self.function, self.number, self.spared, self.count = function, number, spared, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a call, or the other function in its place."""
        name = getattr(func, "__name__", "")
        if name not in _LAST or not args:
            return func(*args, **(kwargs or {}))
        number, self.count = self.count, self.count + 1
        every = self.number is None and name in _SATURATING and number != self.spared
        if every or number == self.number:
            return self.function(args[0])
        return func(*args, **(kwargs or {}))


def identity(x: Tensor) -> Tensor:
    """Leave an operation out.

    >>> import torch
    >>> with Instead(identity, 0):
    ...     float(torch.sigmoid(torch.tensor(3.0)))
    3.0
    """
    return x
