"""Maximum pooling of packs, where windows lie side by side, which is how nearly all networks pool.

What differentiation makes of comparisons, slice by slice, keeps a mask a place of the window and
adds up as many padded arrays; a fifth of a pack's step went into it on a GPU. Here the place of
the largest value is kept, one byte a window, and each value looks there whether it was the one.
On a core that is slower: an epoch of a small CNN took 36 ms instead of 26.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from luthier.engines.compiled.operations.convolutions import Ints, Windows
from luthier.engines.compiled.operations.pooling import max_pool, windows_of

_PLACES = 256  # that a byte can tell apart


def are_tiles(windows: Windows, sides: Sequence[int]) -> bool:
    """Tell whether windows cover an input of such sides, each value once."""
    alone = all(n == 1 for n in (*windows.dilation, *windows.spread))
    bare = not any((*windows.before, *windows.after))
    cover = all(side % size == 0 for side, size in zip(sides, windows.size, strict=True))
    same = tuple(windows.size) == tuple(windows.stride)
    return alone and bare and cover and same and prod(windows.size) <= _PLACES


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def largest(x: Any, windows: Windows) -> Any:
    """Return each window's largest value; of equals the first one takes the gradient.

    Args:
        x: Rows first, channels last.
        windows: They must be tiles.

    >>> two = Windows((2,), (2,), (1,), (0,), (0,), (1,))
    >>> x = jnp.array([[[1.0], [3.0], [2.0], [2.0]]])
    >>> largest(x, two).ravel().tolist()
    [3.0, 2.0]
    >>> jax.grad(lambda x: largest(x, two).sum())(x).ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    values = windows.slices(x)
    best = next(values)
    for value in values:
        best = jnp.maximum(best, value)
    return best


def _forward(x: Any, windows: Windows) -> tuple[Any, Any]:
    values = windows.slices(x)
    best = next(values)
    place = jnp.zeros(best.shape, jnp.uint8)
    for number, value in enumerate(values, 1):
        more = (value > best) | (value != value)
        best = jnp.where(more, value, best)
        place = jnp.where(more, jnp.uint8(number), place)
    # Or whoever reads the result computes it anew, from the larger array.
    together: Any = lax.optimization_barrier  # untyped there
    best, place = together((best, place))
    return best, place


def _backward(windows: Windows, place: Any, gradient: Any) -> tuple[Any]:
    apart = [1, *(n for side in place.shape[1:-1] for n in (side, 1)), 1]
    apart[0], apart[-1] = place.shape[0], place.shape[-1]
    spread = [1, *(n for size in windows.size for n in (1, size)), 1]
    numbers = jnp.arange(prod(windows.size), dtype=jnp.uint8).reshape(spread)
    mine = place.reshape(apart) == numbers
    back = jnp.where(mine, gradient.reshape(apart), jnp.zeros((), gradient.dtype))
    sides = (n * size for n, size in zip(place.shape[1:-1], windows.size, strict=True))
    return (back.reshape(place.shape[0], *sides, place.shape[-1]),)


largest.defvjp(_forward, _backward)


def _max_pool(
    self: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = (0,),
    dilation: Ints = (1,),
    ceil_mode: bool = False,
) -> tuple[Any, Any]:
    best, at = max_pool(self, kernel_size, stride, padding, dilation, ceil_mode)
    windows = windows_of(self, kernel_size, stride, padding, dilation, ceil_mode)
    if are_tiles(windows, self.shape[1:-1]):
        best = largest(self, windows)  # what nobody reads is not computed
    return best, at


BY_PLACE: Mapping[str, Callable[..., Any]] = {"max_pool2d_with_indices": _max_pool}
