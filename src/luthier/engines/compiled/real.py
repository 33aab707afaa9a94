"""Double-precision scalars beside single-precision arrays, as PyTorch computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp


class Real:
    """A scalar that a program gets at run time, and that computes as a Python number would.

    Between scalars the arithmetic is in double precision: `1 - 0.999` loses four digits in single
    precision. With an array the scalar takes the array's type, where JAX would widen the array.

    >>> total = Real(jnp.float32(2.0)) * jnp.ones(2, jnp.float32)
    >>> total.tolist()
    [2.0, 2.0]
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def _apply(self, operation: Callable[[Any, Any], Any], other: Any, flipped: bool) -> Any:
        mine, theirs, result = self.value, other, _same
        if isinstance(other, Real):
            theirs, result = other.value, Real
        elif isinstance(other, (bool, int, float)):
            result = Real
        elif jnp.issubdtype(other.dtype, jnp.floating):
            mine = mine.astype(other.dtype)
        return result(operation(theirs, mine) if flipped else operation(mine, theirs))

    def __add__(self, other: Any) -> Any:
        return self._apply(jnp.add, other, False)

    def __radd__(self, other: Any) -> Any:
        return self._apply(jnp.add, other, True)

    def __sub__(self, other: Any) -> Any:
        return self._apply(jnp.subtract, other, False)

    def __rsub__(self, other: Any) -> Any:
        return self._apply(jnp.subtract, other, True)

    def __mul__(self, other: Any) -> Any:
        return self._apply(jnp.multiply, other, False)

    def __rmul__(self, other: Any) -> Any:
        return self._apply(jnp.multiply, other, True)

    def __truediv__(self, other: Any) -> Any:
        return self._apply(jnp.divide, other, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._apply(jnp.divide, other, True)

    def __pow__(self, other: Any) -> Any:
        return self._apply(jnp.power, other, False)

    def __rpow__(self, other: Any) -> Any:
        return self._apply(jnp.power, other, True)

    def __gt__(self, other: Any) -> Any:
        return self._apply(_greater, other, False)

    def __abs__(self) -> Real:
        return Real(jnp.abs(self.value))

    def __neg__(self) -> Real:
        return Real(-self.value)


def _same(value: Any) -> Any:
    return value


def _greater(first: Any, second: Any) -> Any:
    """Compare to 1.0 or 0.0, so that formulas may compute with the outcome."""
    return (first > second).astype(jnp.float64)
