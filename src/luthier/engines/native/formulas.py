"""An optimizer's formula in C: the catalog's function is called once, with symbols for numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from luthier.catalog.optimizers import Optimizer, Settings
from luthier.engines.native.elementwise import number


@dataclass(eq=False)
class Lines:
    """What was written so far: once a step, and once a number of the arrays."""

    once: list[str] = field(default_factory=list)
    each: list[str] = field(default_factory=list)

    def scalar(self, text: str) -> Symbol:
        """Write a scalar, in double precision."""
        name = f"s{len(self.once)}"
        self.once.append(f"const double {name} = {text};")
        return Symbol(self, name, False)

    def array(self, text: str) -> Symbol:
        """Write a number of an array."""
        name = f"v{len(self.each)}"
        self.each.append(f"const real {name} = {text};")
        return Symbol(self, name, True)


@dataclass(frozen=True, eq=False)
class Symbol:
    """A number that is known when the program runs: a step's scalar, or one of an array.

    Scalars compute in double precision, as Python's numbers do; with an array they take its type.
    """

    lines: Lines
    text: str
    each: bool

    def _with(self, other: Any, operation: str, *, flipped: bool = False) -> Symbol:
        one, two = (other, self) if flipped else (self, other)
        if not (self.each or (isinstance(other, Symbol) and other.each)):
            return self.lines.scalar(f"{_scalar(one)} {operation} {_scalar(two)}")
        if operation == "/" and not (isinstance(two, Symbol) and two.each):
            # A division costs what ten products do: divide once.
            inverse = self.lines.scalar(f"1.0 / {_scalar(two)}")
            return self.lines.array(f"{_array(one)} * {_array(inverse)}")
        return self.lines.array(f"{_array(one)} {operation} {_array(two)}")

    def __add__(self, other: Any) -> Symbol:
        return self._with(other, "+")

    def __radd__(self, other: Any) -> Symbol:
        return self._with(other, "+", flipped=True)

    def __sub__(self, other: Any) -> Symbol:
        return self._with(other, "-")

    def __rsub__(self, other: Any) -> Symbol:
        return self._with(other, "-", flipped=True)

    def __mul__(self, other: Any) -> Symbol:
        return self._with(other, "*")

    def __rmul__(self, other: Any) -> Symbol:
        return self._with(other, "*", flipped=True)

    def __truediv__(self, other: Any) -> Symbol:
        return self._with(other, "/")

    def __rtruediv__(self, other: Any) -> Symbol:
        return self._with(other, "/", flipped=True)

    def __gt__(self, other: Any) -> Symbol:
        return self._with(other, ">")

    def __pow__(self, other: Any) -> Symbol:
        return self._power(self, other)

    def __rpow__(self, other: Any) -> Symbol:
        return self._power(other, self)

    def __abs__(self) -> Symbol:
        return _called(self, "abs", "fabs")

    def __neg__(self) -> Symbol:
        return 0.0 - self

    def _power(self, base: Any, exponent: Any) -> Symbol:
        if self.each:
            raise TypeError("a formula raises an array to a power")
        return self.lines.scalar(f"pow({_scalar(base)}, {_scalar(exponent)})")


class SymbolOps:
    """The catalog's operations on symbols; those of losses are written by hand."""

    def sqrt(self, x: Symbol, /) -> Symbol:
        """Write a square root."""
        return _called(x, "sqrt")

    def abs(self, x: Symbol, /) -> Symbol:
        """Write an absolute value."""
        return _called(x, "abs", "fabs")

    def sign(self, x: Symbol, /) -> Symbol:
        """Write a sign."""
        return x.lines.array(f"sign_({x.text})")

    def maximum(self, x: Any, y: Any, /) -> Symbol:
        """Write the larger of two."""
        lines, each = _either(x, y)
        if each:
            return lines.array(f"larger_({_array(x)}, {_array(y)})")
        return lines.scalar(f"fmax({_scalar(x)}, {_scalar(y)})")

    def where(self, condition: Symbol, x: Any, y: Any, /) -> Symbol:
        """Write a choice."""
        lines, each = _either(condition, x, y)
        if each:
            return lines.array(f"{condition.text} ? {_array(x)} : {_array(y)}")
        return lines.scalar(f"{condition.text} ? {_scalar(x)} : {_scalar(y)}")

    def zeros_like(self, x: Symbol, /) -> Symbol:
        """Write a zero."""
        return x.lines.array("0")

    def sum(self, x: Symbol, /) -> Symbol:
        """Refuse: no optimizer sums."""
        raise NotImplementedError("a formula that sums over an axis")

    log_softmax = log_sigmoid = sum


@dataclass(frozen=True)
class Update:
    """An optimizer's step in C.

    Args:
        once: Lines before the loop over an array; they read the settings and ``rate``.
        each: Lines of the loop; they read ``w`` and ``g``, and slot k as ``h<k>``.
        weight: The new weight.
        slots: The new slots.
    """

    once: tuple[str, ...]
    each: tuple[str, ...]
    weight: str
    slots: tuple[str, ...]


def update(optimizer: Optimizer) -> Update:
    """Return an optimizer's step in C.

    >>> from luthier.catalog.optimizers import by_name
    >>> sgd = update(by_name("sgd"))
    >>> sgd.each, sgd.weight
    (('const real v0 = (real)rate * g;', 'const real v1 = w - v0;'), 'v1')
    """
    lines = Lines()
    slots = tuple(Symbol(lines, f"h{k}", True) for k in range(len(optimizer.slots)))
    rate, names = Symbol(lines, "rate", False), ("momentum", "beta1", "beta2", "epsilon")
    settings = Settings(rate, *(Symbol(lines, name, False) for name in names))
    weight, new = optimizer.update(
        SymbolOps(),
        Symbol(lines, "w", True),
        Symbol(lines, "g", True),
        slots,
        Symbol(lines, "step", False),
        settings,
    )
    return Update(
        tuple(lines.once), tuple(lines.each), weight.text, tuple(_array(slot) for slot in new)
    )


def _called(x: Symbol, name: str, double: str | None = None) -> Symbol:
    if x.each:
        return x.lines.array(f"{name}_({x.text})")
    return x.lines.scalar(f"{double or name}({x.text})")


def _either(*symbols: Any) -> tuple[Lines, bool]:
    found = [one for one in symbols if isinstance(one, Symbol)]
    return found[0].lines, any(one.each for one in found)


def _scalar(value: Any) -> str:
    return value.text if isinstance(value, Symbol) else repr(float(value))


def _array(value: Any) -> str:
    if not isinstance(value, Symbol):
        return number(value)
    return value.text if value.each else f"(real){value.text}"
