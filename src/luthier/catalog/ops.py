"""The few array operations that formulas need beyond operators; an engine supplies them."""

from __future__ import annotations

from typing import Any, Protocol

A = Any
"""An array of whichever library the engine uses, or a number."""


class Ops(Protocol):
    """One array library's spelling of what operators cannot say.

    Methods named ``log_softmax`` and ``sum`` work over the last axis; ``sum`` removes it.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> import numpy as np
    >>> numpy_ops.sum(np.ones((2, 3))).tolist()
    [3.0, 3.0]
    """

    def sqrt(self, x: A, /) -> A:
        """Square root of every element."""
        ...

    def abs(self, x: A, /) -> A:
        """Absolute value of every element."""
        ...

    def sign(self, x: A, /) -> A:
        """-1, 0 or 1 for every element."""
        ...

    def maximum(self, x: A, y: A, /) -> A:
        """The larger of two arrays' elements."""
        ...

    def where(self, condition: A, x: A, y: A, /) -> A:
        """Elements of `x` where the condition holds, else of `y`."""
        ...

    def zeros_like(self, x: A, /) -> A:
        """Zeros of the same shape, type and device."""
        ...

    def sum(self, x: A, /) -> A:
        """Sum over the last axis, which disappears."""
        ...

    def log_softmax(self, x: A, /) -> A:
        """Logarithm of the softmax over the last axis, without overflow."""
        ...

    def log_sigmoid(self, x: A, /) -> A:
        """Logarithm of the sigmoid of every element, without overflow."""
        ...
