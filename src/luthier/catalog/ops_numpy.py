"""`Ops` for NumPy: what examples and tests compute with."""

from __future__ import annotations

from typing import final

import numpy as np

from luthier.catalog.ops import A, Ops


@final
class NumpyOps:
    """NumPy's spelling of `luthier.catalog.ops.Ops`.

    >>> NumpyOps().log_sigmoid(np.array([-1000.0, 0.0])).round(3).tolist()
    [-1000.0, -0.693]
    """

    def sqrt(self, x: A, /) -> A:
        """Square root of every element."""
        return np.sqrt(x)

    def abs(self, x: A, /) -> A:
        """Absolute value of every element."""
        return np.abs(x)

    def sign(self, x: A, /) -> A:
        """-1, 0 or 1 for every element."""
        return np.sign(x)

    def maximum(self, x: A, y: A, /) -> A:
        """The larger of two arrays' elements."""
        return np.maximum(x, y)

    def where(self, condition: A, x: A, y: A, /) -> A:
        """Elements of `x` where the condition holds, else of `y`."""
        return np.where(condition, x, y)

    def zeros_like(self, x: A, /) -> A:
        """Zeros of the same shape and type."""
        return np.zeros_like(x)

    def sum(self, x: A, /) -> A:
        """Sum over the last axis, which disappears."""
        return np.sum(x, axis=-1)

    def log_softmax(self, x: A, /) -> A:
        """Logarithm of the softmax over the last axis, without overflow."""
        shifted = x - x.max(axis=-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    def log_sigmoid(self, x: A, /) -> A:
        """Logarithm of the sigmoid of every element, without overflow."""
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


numpy_ops: Ops = NumpyOps()
