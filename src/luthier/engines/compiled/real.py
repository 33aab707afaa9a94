"""Double-precision scalars in JAX."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from luthier.engines import real


class Real(real.Real):
    """A scalar that a compiled program gets at run time.

    >>> total = Real(jnp.float32(2.0)) * jnp.ones(2, jnp.float32)
    >>> total.tolist()
    [2.0, 2.0]
    """

    __slots__ = ()

    @staticmethod
    def like(value: Any, array: Any) -> Any:
        """Return a scalar in an array's type; None where the array does not hold real numbers."""
        return value.astype(array.dtype) if jnp.issubdtype(array.dtype, jnp.floating) else None

    @staticmethod
    def truth(condition: Any) -> Any:
        """Return 1.0 or 0.0 in double precision."""
        return condition.astype(jnp.float64)
