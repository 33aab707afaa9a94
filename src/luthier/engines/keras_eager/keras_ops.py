"""The catalog's operations and scalars in Keras' own, on any backend."""

from __future__ import annotations

from typing import Any, final

import keras
from keras import ops

from luthier.catalog.ops import A, Ops
from luthier.engines import real


class Real(real.Real):
    """A scalar in double precision that takes the type of the arrays it meets."""

    __slots__ = ()

    @staticmethod
    def like(value: Any, array: Any) -> Any:
        """Return a scalar in an array's type; None where the array does not hold real numbers."""
        kind = keras.backend.standardize_dtype(array.dtype)
        return ops.cast(value, kind) if "float" in kind else None

    @staticmethod
    def truth(condition: Any) -> Any:
        """Return 1.0 or 0.0 in double precision."""
        return ops.cast(condition, "float64")


@final
class KerasOps:
    """Keras' spelling of `luthier.catalog.ops.Ops`.

    >>> float(KerasOps().sum(ops.ones((2, 3)))[0])
    3.0
    """

    def sqrt(self, x: A, /) -> A:
        """Square root of every element."""
        return ops.sqrt(x)

    def abs(self, x: A, /) -> A:
        """Absolute value of every element."""
        return ops.abs(x)

    def sign(self, x: A, /) -> A:
        """-1, 0 or 1 for every element."""
        return ops.sign(x)

    def maximum(self, x: A, y: A, /) -> A:
        """The larger of two arrays' elements."""
        return ops.maximum(x, y)

    def where(self, condition: A, x: A, y: A, /) -> A:
        """Elements of `x` where the condition holds, else of `y`."""
        return ops.where(condition, x, y)

    def zeros_like(self, x: A, /) -> A:
        """Zeros of the same shape and type."""
        return ops.zeros_like(x)

    def sum(self, x: A, /) -> A:
        """Sum over the last axis, which disappears."""
        return ops.sum(x, -1)

    def log_softmax(self, x: A, /) -> A:
        """Logarithm of the softmax over the last axis, without overflow."""
        return ops.log_softmax(x, -1)

    def log_sigmoid(self, x: A, /) -> A:
        """Logarithm of the sigmoid of every element, without overflow."""
        return ops.log_sigmoid(x)


keras_ops: Ops = KerasOps()
