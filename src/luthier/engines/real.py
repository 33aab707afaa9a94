"""Double-precision scalars beside single-precision arrays, as PyTorch computes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


class Real:
    """A scalar that a program gets at run time, and that computes as a Python number would.

    Between scalars the arithmetic is in double precision: `1 - 0.999` loses four digits in single
    precision. With an array the scalar takes the array's type, where libraries would widen the
    array, or refuse. An engine overrides how a value is cast.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @staticmethod
    def like(value: Any, array: Any) -> Any:
        """Return a scalar in an array's type; None where the array does not hold real numbers."""
        raise NotImplementedError

    @staticmethod
    def truth(condition: Any) -> Any:
        """Return 1.0 or 0.0 in double precision, so that formulas may compute with it."""
        raise NotImplementedError

    def _apply(self, operation: Callable[[Any, Any], Any], other: Any, flipped: bool) -> Any:
        mine, theirs = self.value, other
        result: Callable[[Any], Any] = _same
        if isinstance(other, Real):
            theirs, result = other.value, type(self)
        elif isinstance(other, (bool, int, float)):
            result = type(self)
        else:
            cast = self.like(mine, other)
            mine = mine if cast is None else cast
        return result(operation(theirs, mine) if flipped else operation(mine, theirs))

    def __add__(self, other: Any) -> Any:
        return self._apply(operator.add, other, False)

    def __radd__(self, other: Any) -> Any:
        return self._apply(operator.add, other, True)

    def __sub__(self, other: Any) -> Any:
        return self._apply(operator.sub, other, False)

    def __rsub__(self, other: Any) -> Any:
        return self._apply(operator.sub, other, True)

    def __mul__(self, other: Any) -> Any:
        return self._apply(operator.mul, other, False)

    def __rmul__(self, other: Any) -> Any:
        return self._apply(operator.mul, other, True)

    def __truediv__(self, other: Any) -> Any:
        return self._apply(operator.truediv, other, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._apply(operator.truediv, other, True)

    def __pow__(self, other: Any) -> Any:
        return self._apply(operator.pow, other, False)

    def __rpow__(self, other: Any) -> Any:
        return self._apply(operator.pow, other, True)

    def __gt__(self, other: Any) -> Any:
        return self._apply(self._greater, other, False)

    def __abs__(self) -> Real:
        return type(self)(abs(self.value))

    def __neg__(self) -> Real:
        return type(self)(-self.value)

    def _greater(self, first: Any, second: Any) -> Any:
        return self.truth(first > second)


def _same(value: Any) -> Any:
    return value
