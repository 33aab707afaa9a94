"""Operations over one or several axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp


def _axes(dim: Any) -> Any:
    """PyTorch means all axes by none; a list of one by a number."""
    if dim is None or dim == ():
        return None
    return dim if isinstance(dim, int) else tuple(dim)


def _sum(self: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return jnp.sum(self, _axes(dim), dtype, keepdims=keepdim)


def _mean(self: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return jnp.mean(self, _axes(dim), dtype, keepdims=keepdim)


def _var(self: Any, dim: Any = None, correction: Any = None, keepdim: bool = False) -> Any:
    ddof = 1 if correction is None else correction
    return jnp.var(self, _axes(dim), ddof=ddof, keepdims=keepdim)


def _prod(self: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    return jnp.prod(self, _axes(dim), dtype, keepdims=keepdim)


def _amax(self: Any, dim: Any = (), keepdim: bool = False) -> Any:
    return jnp.max(self, _axes(dim), keepdims=keepdim)


def _amin(self: Any, dim: Any = (), keepdim: bool = False) -> Any:
    return jnp.min(self, _axes(dim), keepdims=keepdim)


def _max(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    if dim is None:
        return jnp.max(self)
    at = jnp.argmax(self, dim, keepdims=True)
    return _taken(self, at, dim, keepdim)


def _min(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    if dim is None:
        return jnp.min(self)
    at = jnp.argmin(self, dim, keepdims=True)
    return _taken(self, at, dim, keepdim)


def _taken(self: Any, at: Any, dim: int, keepdim: bool) -> tuple[Any, Any]:
    values = jnp.take_along_axis(self, at, dim)
    return (values, at) if keepdim else (values.squeeze(dim), at.squeeze(dim))


def _argmax(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    return jnp.argmax(self, dim, keepdims=keepdim)


def _argmin(self: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    return jnp.argmin(self, dim, keepdims=keepdim)


def _any(self: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return jnp.any(self, _axes(dim), keepdims=keepdim)


def _all(self: Any, dim: Any = None, keepdim: bool = False) -> Any:
    return jnp.all(self, _axes(dim), keepdims=keepdim)


def _softmax(self: Any, dim: int, half_to_float: bool = False) -> Any:
    return jax.nn.softmax(self, dim)


def _log_softmax(self: Any, dim: int, half_to_float: bool = False) -> Any:
    return jax.nn.log_softmax(self, dim)


def _logsumexp(self: Any, dim: Any, keepdim: bool = False) -> Any:
    return jax.nn.logsumexp(self, _axes(dim), keepdims=keepdim)


def _vector_norm(
    self: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: str | None = None
) -> Any:
    if ord != 2:
        raise NotImplementedError(f"a norm of order {ord}")
    squares = jnp.square(self).sum(_axes(dim), keepdims=keepdim)
    # The gradient of a norm of 0 is 0 in PyTorch, where the root's alone would be infinite.
    positive = squares > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1.0)), 0.0)


def _cumsum(self: Any, dim: int, dtype: str | None = None) -> Any:
    return jnp.cumsum(self, dim, dtype)


REDUCTIONS: Mapping[str, Callable[..., Any]] = {
    "_log_softmax": _log_softmax,
    "_softmax": _softmax,
    "all": _all,
    "amax": _amax,
    "amin": _amin,
    "any": _any,
    "argmax": _argmax,
    "argmin": _argmin,
    "cumsum": _cumsum,
    "linalg_vector_norm": _vector_norm,
    "logsumexp": _logsumexp,
    "max": _max,
    "mean": _mean,
    "min": _min,
    "prod": _prod,
    "sum": _sum,
    "var": _var,
}
