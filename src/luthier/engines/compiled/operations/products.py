"""Matrix products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp


def _product(self: Any, mat2: Any) -> Any:
    return jnp.matmul(self, mat2)


def _addmm(self: Any, mat1: Any, mat2: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    product = mat1 @ mat2
    return (self if beta == 1 else beta * self) + (product if alpha == 1 else alpha * product)


def _baddbmm(self: Any, batch1: Any, batch2: Any, beta: Any = 1, alpha: Any = 1) -> Any:
    return _addmm(self, batch1, batch2, beta, alpha)


def _mv(self: Any, vec: Any) -> Any:
    return self @ vec


def _dot(self: Any, tensor: Any) -> Any:
    return self @ tensor


PRODUCTS: Mapping[str, Callable[..., Any]] = {
    "addmm": _addmm,
    "baddbmm": _baddbmm,
    "bmm": _product,
    "dot": _dot,
    "mm": _product,
    "mv": _mv,
}
