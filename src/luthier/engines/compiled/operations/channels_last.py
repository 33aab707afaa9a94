"""Operations on images whose channels come last, where PyTorch has them second.

Between a convolution and whatever needs PyTorch's order, images stay as the convolution left
them: turning each back and forth cost half of what the product of matrices gains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax.numpy as jnp

from luthier.engines.compiled.operations.elementwise import ELEMENTWISE
from luthier.engines.compiled.operations.normalisation import batch_norm, batch_norm_evaluating
from luthier.engines.compiled.operations.pooling import POOLING


@dataclass(frozen=True)
class Last:
    """An array whose second axis, in PyTorch's eyes, lies last."""

    array: Any

    @property
    def plain(self) -> Any:
        """The array as PyTorch has it."""
        return jnp.moveaxis(self.array, -1, 1)


def last(value: Any) -> Any:
    """Return an array with its channels last."""
    return value.array if isinstance(value, Last) else jnp.moveaxis(value, 1, -1)


def plain(value: Any) -> Any:
    """Return a value as PyTorch has it."""
    if isinstance(value, Last):
        return value.plain
    return tuple(plain(one) for one in value) if isinstance(value, (tuple, list)) else value


def _mean(self: Any, dim: Any = None, keepdim: bool = False, dtype: str | None = None) -> Any:
    dims = tuple(range(self.ndim)) if dim is None or dim == () else _tuple(dim)
    axes = {d % self.ndim for d in dims}
    moved = tuple(self.ndim - 1 if d == 1 else d - (d > 1) for d in axes)
    result = self.mean(moved, dtype, keepdims=keepdim)
    return result if keepdim or 1 in axes or result.ndim <= 2 else jnp.moveaxis(result, -1, 1)


def _cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    rank = tensors[0].ndim
    axis = dim % rank
    return jnp.concatenate(tensors, rank - 1 if axis == 1 else axis - (axis > 1))


def _tuple(dim: Any) -> tuple[int, ...]:
    return (dim,) if isinstance(dim, int) else tuple(dim)


def _same(self: Any, **kwargs: Any) -> Any:
    return self


BEGINS = ("convolution", *POOLING)
"""What wants its image with channels last, however it comes."""

KEEPS: Mapping[str, Callable[..., Any]] = {
    **ELEMENTWISE,
    **POOLING,
    "_native_batch_norm_legit": partial(batch_norm, channels=-1),
    "_native_batch_norm_legit_functional": partial(batch_norm, channels=-1),
    "_native_batch_norm_legit_no_training": partial(batch_norm_evaluating, channels=-1),
    "alias": _same,
    "cat": _cat,
    "clone": _same,
    "mean": _mean,
}
"""What computes on images with channels last, and leaves them so."""
