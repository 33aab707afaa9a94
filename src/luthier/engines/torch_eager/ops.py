"""The catalog's elementwise operations in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor


class TorchOps:
    """What formulas of the catalog need beyond operators.

    >>> TorchOps().sum(torch.ones(2, 3))
    tensor([3., 3.])
    """

    def sqrt(self, x: Tensor, /) -> Tensor:
        """Square root of every element."""
        return torch.sqrt(x)

    def abs(self, x: Tensor, /) -> Tensor:
        """Absolute value of every element."""
        return torch.abs(x)

    def sign(self, x: Tensor, /) -> Tensor:
        """-1, 0 or 1 for every element."""
        return torch.sign(x)

    def maximum(self, x: Tensor, y: Tensor, /) -> Tensor:
        """The larger of two tensors' elements."""
        return torch.maximum(x, torch.as_tensor(y, dtype=x.dtype))

    def where(self, condition: Tensor | bool, x: Tensor, y: Tensor, /) -> Tensor:
        """Elements of `x` where the condition holds, else of `y`."""
        if isinstance(condition, bool):
            return x if condition else y
        return torch.where(condition, x, y)

    def zeros_like(self, x: Tensor, /) -> Tensor:
        """Zeros of the same shape, type and device."""
        return torch.zeros_like(x)

    def sum(self, x: Tensor, /) -> Tensor:
        """Sum over the last axis."""
        return x.sum(-1)

    def log_softmax(self, x: Tensor, /) -> Tensor:
        """Logarithm of the softmax over the last axis."""
        return torch.log_softmax(x, -1)

    def log_sigmoid(self, x: Tensor, /) -> Tensor:
        """Logarithm of the sigmoid of every element."""
        return torch.nn.functional.logsigmoid(x)


torch_ops = TorchOps()
