"""Operations that make arrays, or arrange their elements anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import jax.numpy as jnp
from jax import lax


def _view(self: Any, size: Sequence[int]) -> Any:
    return jnp.reshape(self, size)


def _permute(self: Any, dims: Sequence[int]) -> Any:
    return jnp.transpose(self, dims)


def _transpose(self: Any, dim0: int, dim1: int) -> Any:
    return jnp.swapaxes(self, dim0, dim1)


def _expand(self: Any, size: Sequence[int], implicit: bool = False) -> Any:
    new = len(size) - self.ndim
    return jnp.broadcast_to(
        self, [self.shape[i - new] if n == -1 else n for i, n in enumerate(size)]
    )


def _squeeze(self: Any, dim: Any = None) -> Any:
    chosen = range(self.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = tuple(d for d in {d % self.ndim for d in chosen} if self.shape[d] == 1)
    return jnp.squeeze(self, axes)


def _unsqueeze(self: Any, dim: int) -> Any:
    return jnp.expand_dims(self, dim)


def _cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    # PyTorch leaves out empty vectors, whatever the others' shapes.
    return jnp.concatenate([t for t in tensors if t.shape != (0,)] or tensors[:1], dim)


def _select(self: Any, dim: int, index: int) -> Any:
    return lax.index_in_dim(self, index, dim, keepdims=False)


def _slice(
    self: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    first, last, _ = slice(start, end).indices(self.shape[dim])
    return lax.slice_in_dim(self, first, max(first, last), step, dim)


def _split_with_sizes(self: Any, split_sizes: Sequence[int], dim: int = 0) -> Any:
    return jnp.split(self, list(accumulate(split_sizes))[:-1], dim)


def _split(self: Any, split_size: int, dim: int = 0) -> Any:
    return jnp.split(self, range(split_size, self.shape[dim], split_size), dim)


def _to_copy(self: Any, dtype: str | None = None) -> Any:
    return self if dtype is None else self.astype(dtype)


def _copy(self: Any, src: Any) -> Any:
    return jnp.broadcast_to(src, self.shape).astype(self.dtype)


def _full(size: Sequence[int], fill_value: Any, dtype: str | None = None) -> Any:
    return jnp.full(size, fill_value, dtype)


def _full_like(self: Any, fill_value: Any, dtype: str | None = None) -> Any:
    return jnp.full_like(self, fill_value, dtype=dtype)


def _empty(size: Sequence[int], dtype: str | None = None) -> Any:
    return jnp.zeros(size, dtype)


def _scalar_tensor(s: Any, dtype: str | None = None) -> Any:
    return jnp.asarray(s, dtype)


def _arange(start: Any = 0, end: Any = None, step: Any = 1, dtype: str | None = None) -> Any:
    return jnp.arange(start, end, step, dtype)


def _embedding(
    weight: Any,
    indices: Any,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    if scale_grad_by_freq:
        raise NotImplementedError("an embedding that scales gradients by frequency")
    if padding_idx >= 0:  # its row gets no gradient
        weight = weight.at[padding_idx].set(lax.stop_gradient(weight[padding_idx]))
    return jnp.take(weight, indices, axis=0)


def _index(self: Any, indices: Sequence[Any]) -> Any:
    return self[tuple(slice(None) if index is None else index for index in indices)]


def _index_select(self: Any, dim: int, index: Any) -> Any:
    return jnp.take(self, index, axis=dim)


def _gather(self: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    return jnp.take_along_axis(self, index, axis=dim)


def _flip(self: Any, dims: Sequence[int]) -> Any:
    return jnp.flip(self, dims)


def _repeat(self: Any, repeats: Sequence[int]) -> Any:
    return jnp.tile(self, repeats)


def _pad(self: Any, pad: Sequence[int], value: float = 0.0) -> Any:
    pairs = [(pad[i], pad[i + 1], 0) for i in range(0, len(pad), 2)]
    widths = [(0, 0, 0)] * (self.ndim - len(pairs)) + pairs[::-1]
    return lax.pad(self, jnp.asarray(value, self.dtype), widths)


def _select_scatter(self: Any, src: Any, dim: int, index: int) -> Any:
    return jnp.moveaxis(jnp.moveaxis(self, dim, 0).at[index].set(src), 0, dim)


def _slice_scatter(
    self: Any,
    src: Any,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Any:
    first, last, _ = slice(start, end).indices(self.shape[dim])
    moved = jnp.moveaxis(self, dim, 0)
    return jnp.moveaxis(moved.at[first:last:step].set(jnp.moveaxis(src, dim, 0)), 0, dim)


def _diagonal(self: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    return jnp.diagonal(self, offset, dim1, dim2)


def _flatten(self: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    first, last = start_dim % self.ndim, end_dim % self.ndim
    middle = math.prod(self.shape[first : last + 1])
    return self.reshape(*self.shape[:first], middle, *self.shape[last + 1 :])


def _same(self: Any) -> Any:
    return self


SHAPES: Mapping[str, Callable[..., Any]] = {
    "_to_copy": _to_copy,
    "_unsafe_view": _view,
    "alias": _same,
    "arange": _arange,
    "cat": _cat,
    "clone": _same,
    "constant_pad_nd": _pad,
    "copy": _copy,
    "diagonal": _diagonal,
    "embedding": _embedding,
    "empty": _empty,
    "expand": _expand,
    "flatten": _flatten,
    "flip": _flip,
    "full": _full,
    "full_like": _full_like,
    "gather": _gather,
    "index": _index,
    "index_select": _index_select,
    "item": lambda of, index: of[index],
    "lift_fresh_copy": _same,
    "permute": _permute,
    "repeat": _repeat,
    "reshape": _view,
    "scalar_tensor": _scalar_tensor,
    "select": _select,
    "select_scatter": _select_scatter,
    "slice": _slice,
    "slice_scatter": _slice_scatter,
    "split": _split,
    "split_with_sizes": _split_with_sizes,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "unsqueeze": _unsqueeze,
    "view": _view,
}
