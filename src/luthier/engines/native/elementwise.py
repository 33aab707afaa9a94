"""Functions of every number alone, in C, with their derivatives.

To add one: an entry in `UNARY`. The expressions read ``x``, the input, and ``y``, the result, and
numbers of the operation by their name in braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Unary:
    """A function.

    Args:
        value: Of ``x``.
        slope: Its derivative, of ``x`` and ``y``.
        keeps: What the derivative needs: ``x``, ``y``, ``sign`` (that of y, which dropout may
            make zero) or nothing.
        defaults: Numbers of the operation that a graph may leave out.
    """

    value: str
    slope: str
    keeps: str
    defaults: Mapping[str, object] | None = None

    def written(self, numbers: Mapping[str, object]) -> tuple[str, str, str]:
        """Return value, slope and what is kept, with the operation's numbers in place.

        >>> UNARY["leaky_relu"].written({"negative_slope": 0.2})[0]
        'x > 0 ? x : R(0.2) * x'
        """
        filled = {**(self.defaults or {}), **numbers}
        texts = {name: number(value) for name, value in filled.items()}
        return self.value.format(**texts), self.slope.format(**texts), self.keeps


def number(value: object) -> str:
    """Return a number as C writes it, in the program's precision."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"R({float(value)!r})"
    return str(value)


_GELU = "R(0.5) * (R(1.0) + erf_(x * R(0.7071067811865476)))"
_DENSITY = "R(0.3989422804014327) * exp_(R(-0.5) * x * x)"

UNARY: Mapping[str, Unary] = {
    "relu": Unary("positive_(x)", "(y > 0 ? R(1.0) : 0)", "sign"),
    "leaky_relu": Unary(
        "x > 0 ? x : {negative_slope} * x",
        "(x > 0 ? R(1.0) : {negative_slope})",
        "x",
        {"negative_slope": 0.01},
    ),
    "elu": Unary(
        "x > 0 ? {scale} * x : {alpha} * {scale} * expm1_({input_scale} * x)",
        "(x > 0 ? {scale} : {alpha} * {scale} * {input_scale} * exp_({input_scale} * x))",
        "x",
        {"alpha": 1.0, "scale": 1.0, "input_scale": 1.0},
    ),
    "hardtanh": Unary(
        "x < {min_val} ? {min_val} : x > {max_val} ? {max_val} : x",
        "(x > {min_val} && x < {max_val} ? R(1.0) : 0)",
        "x",
        {"min_val": -1.0, "max_val": 1.0},
    ),
    "sigmoid": Unary("sigmoid_(x)", "y * (R(1.0) - y)", "y"),
    "tanh": Unary("tanh_(x)", "R(1.0) - y * y", "y"),
    "exp": Unary("exp_(x)", "y", "y"),
    "neg": Unary("-x", "R(-1.0)", ""),
    "gelu": Unary(f"x * ({_GELU})", f"{_GELU} + x * {_DENSITY}", "x"),
    "add_number": Unary("x + {number}", "R(1.0)", ""),
    "sub_number": Unary("x - {number}", "R(1.0)", ""),
    "mul_number": Unary("x * {number}", "{number}", ""),
    "div_number": Unary("x / {number}", "R(1.0) / {number}", ""),
}
