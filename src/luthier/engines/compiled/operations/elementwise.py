"""Operations on every element alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


def _unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda self: function(self)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda self, other: function(self, other)


def _add(self: Any, other: Any, alpha: Any = 1) -> Any:
    return self + (other if alpha == 1 else alpha * other)


def _sub(self: Any, other: Any, alpha: Any = 1) -> Any:
    return self - (other if alpha == 1 else alpha * other)


def _div(self: Any, other: Any, rounding_mode: str | None = None) -> Any:
    if rounding_mode == "floor":
        return jnp.floor_divide(self, other)
    quotient = jnp.divide(self, other)
    return jnp.trunc(quotient) if rounding_mode == "trunc" else quotient


def _pow(self: Any, exponent: Any) -> Any:
    # A power with a whole number is a product: exact, and with a gradient at 0.
    whole = isinstance(exponent, (int, float)) and float(exponent).is_integer()
    if whole and abs(exponent) <= 64 and jnp.issubdtype(jnp.result_type(self), jnp.floating):
        return lax.integer_pow(self, int(exponent))
    return jnp.power(self, exponent)


def _clamp(self: Any, min: Any = None, max: Any = None) -> Any:
    # At a bound PyTorch's gradient is 1; `jnp.clip` would share it out.
    if min is not None:
        self = jnp.where(self < min, min, self)
    return self if max is None else jnp.where(self > max, max, self)


def _hardtanh(self: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    # Here PyTorch's gradient is 0 at the bounds.
    inside = (self > min_val) & (self < max_val)
    return jnp.where(inside, self, lax.stop_gradient(jnp.clip(self, min_val, max_val)))


def _gelu(self: Any, approximate: str = "none") -> Any:
    return jax.nn.gelu(self, approximate=approximate == "tanh")


def _elu(self: Any, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    below = jnp.where(self > 0, 0.0, self)  # so that the side that is not taken cannot overflow
    return jnp.where(self > 0, self * scale, alpha * scale * jnp.expm1(below * input_scale))


def _leaky_relu(self: Any, negative_slope: float = 0.01) -> Any:
    return jnp.where(self > 0, self, self * negative_slope)


def _softplus(self: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    scaled = self * beta
    return jnp.where(scaled > threshold, self, jnp.logaddexp(scaled, 0.0) / beta)


def _where(condition: Any, self: Any, other: Any) -> Any:
    return jnp.where(condition, self, other)


def _remainder(self: Any, other: Any) -> Any:
    return jnp.remainder(self, other)


ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "abs": _unary(lambda x: jnp.where(x == 0, 0 * x, jnp.abs(x))),
    "acos": _unary(jnp.arccos),
    "acosh": _unary(jnp.arccosh),
    "add": _add,
    "asin": _unary(jnp.arcsin),
    "asinh": _unary(jnp.arcsinh),
    "atan": _unary(jnp.arctan),
    "atan2": _binary(jnp.arctan2),
    "atanh": _unary(jnp.arctanh),
    "bitwise_and": _binary(jnp.bitwise_and),
    "bitwise_not": _unary(jnp.bitwise_not),
    "bitwise_or": _binary(jnp.bitwise_or),
    "bitwise_xor": _binary(jnp.bitwise_xor),
    "ceil": _unary(jnp.ceil),
    "clamp": _clamp,
    "cos": _unary(jnp.cos),
    "cosh": _unary(jnp.cosh),
    "detach": lambda input: lax.stop_gradient(input),
    "div": _div,
    "elu": _elu,
    "eq": _binary(jnp.equal),
    "erf": _unary(lax.erf),
    "exp": _unary(jnp.exp),
    "expm1": _unary(jnp.expm1),
    "floor": _unary(jnp.floor),
    "fmod": _binary(jnp.fmod),
    "ge": _binary(jnp.greater_equal),
    "gelu": _gelu,
    "gt": _binary(jnp.greater),
    "hardtanh": _hardtanh,
    "isinf": _unary(jnp.isinf),
    "isnan": _unary(jnp.isnan),
    "le": _binary(jnp.less_equal),
    "leaky_relu": _leaky_relu,
    "log": _unary(jnp.log),
    "log10": _unary(jnp.log10),
    "log1p": _unary(jnp.log1p),
    "log2": _unary(jnp.log2),
    "logical_and": _binary(jnp.logical_and),
    "logical_not": _unary(jnp.logical_not),
    "logical_or": _binary(jnp.logical_or),
    "logical_xor": _binary(jnp.logical_xor),
    "lt": _binary(jnp.less),
    "maximum": _binary(jnp.maximum),
    "minimum": _binary(jnp.minimum),
    "mul": _binary(jnp.multiply),
    "ne": _binary(jnp.not_equal),
    "neg": _unary(jnp.negative),
    "pow": _pow,
    "reciprocal": _unary(lambda x: 1 / x),
    "relu": _unary(jax.nn.relu),
    "remainder": _remainder,
    "round": _unary(jnp.round),
    "rsqrt": _unary(lax.rsqrt),
    "sigmoid": _unary(jax.nn.sigmoid),
    "sign": _unary(jnp.sign),
    "sin": _unary(jnp.sin),
    "sinh": _unary(jnp.sinh),
    "softplus": _softplus,
    "sqrt": _unary(jnp.sqrt),
    "sub": _sub,
    "tan": _unary(jnp.tan),
    "tanh": _unary(jnp.tanh),
    "trunc": _unary(jnp.trunc),
    "where": _where,
}
