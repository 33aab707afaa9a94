"""The catalog's elementwise operations in JAX."""

from __future__ import annotations

from typing import final

import jax
import jax.numpy as jnp

from luthier.catalog.ops import A, Ops


@final
class JaxOps:
    """JAX's spelling of `luthier.catalog.ops.Ops`.

    >>> JaxOps().sum(jnp.ones((2, 3))).tolist()
    [3.0, 3.0]
    """

    def sqrt(self, x: A, /) -> A:
        """Square root of every element."""
        return jnp.sqrt(x)

    def abs(self, x: A, /) -> A:
        """Absolute value of every element."""
        return jnp.abs(x)

    def sign(self, x: A, /) -> A:
        """-1, 0 or 1 for every element."""
        return jnp.sign(x)

    def maximum(self, x: A, y: A, /) -> A:
        """The larger of two arrays' elements."""
        return jnp.maximum(x, y)

    def where(self, condition: A, x: A, y: A, /) -> A:
        """Elements of `x` where the condition holds, else of `y`."""
        return jnp.where(condition, x, y)

    def zeros_like(self, x: A, /) -> A:
        """Zeros of the same shape and type."""
        return jnp.zeros_like(x)

    def sum(self, x: A, /) -> A:
        """Sum over the last axis, which disappears."""
        return x.sum(-1)

    def log_softmax(self, x: A, /) -> A:
        """Logarithm of the softmax over the last axis, without overflow."""
        return jax.nn.log_softmax(x, -1)

    def log_sigmoid(self, x: A, /) -> A:
        """Logarithm of the sigmoid of every element, without overflow."""
        return jax.nn.log_sigmoid(x)


jax_ops: Ops = JaxOps()
