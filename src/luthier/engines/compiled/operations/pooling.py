"""Pooling with channels last, of any number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import ceil, floor, inf, prod
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from luthier.engines.compiled.operations.convolutions import Windows

Ints = Sequence[int]


def _windows(
    x: Any, size: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil_mode: bool
) -> Windows:
    """Return the windows of a pooling over an input; one that begins beyond the input is none."""
    sides = x.shape[1:-1]
    size, padding, dilation = (_each(n, len(sides)) for n in (size, padding, dilation))
    stride = _each(stride, len(sides)) if len(stride) else size
    after = []
    for side, window, step, pad, gap in zip(sides, size, stride, padding, dilation, strict=True):
        rest = side + 2 * pad - gap * (window - 1) - 1
        count = (ceil if ceil_mode else floor)(rest / step) + 1
        if ceil_mode and (count - 1) * step >= side + pad:
            count -= 1
        after.append((count - 1) * step + gap * (window - 1) + 1 - side - pad)
    return Windows(size, stride, dilation, padding, [max(n, 0) for n in after], (1,) * len(size))


def max_pool(
    self: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = (0,),
    dilation: Ints = (1,),
    ceil_mode: bool = False,
    *,
    bounded: bool = False,
    largest: Callable[[Any, Windows, bool], Any] | None = None,
) -> tuple[Any, Any]:
    """Return each window's largest value and its place; of equals the first one is it.

    Args:
        self: The input, rows first and channels last.
        kernel_size: Of the window, a number an axis or one for all; the next three likewise.
        stride: Empty is the size.
        padding: On both sides.
        dilation: From one place to the next.
        ceil_mode: Whether a last window may reach beyond the input.
        bounded: Whether a relu of the values comes with it.
        largest: Another way to the values, where the windows are tiles.
    """
    windows = _windows(self, kernel_size, stride, padding, dilation, ceil_mode)
    sides = self.shape[1:-1]
    place = jnp.arange(prod(sides)).reshape(1, *sides, 1)
    places = windows.slices(windows.padded(place, -1))
    best: Any = None
    at: Any = None
    for value, here in zip(windows.slices(windows.padded(self, -inf)), places, strict=True):
        if best is None:
            best, at = value, jnp.broadcast_to(here, value.shape)
        else:
            more = (value > best) | (value != value)
            best, at = jnp.where(more, value, best), jnp.where(more, here, at)
    if largest is not None and windows.are_tiles(sides):
        return largest(self, windows, bounded), at  # what nobody reads is not computed
    return jax.nn.relu(best) if bounded else best, at


def _avg_pool(
    self: Any,
    kernel_size: Ints,
    stride: Ints = (),
    padding: Ints = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    windows = _windows(self, kernel_size, stride, padding, (1,), ceil_mode)
    total = sum(windows.slices(windows.padded(self)))
    if divisor_override is not None:
        return total / divisor_override
    # What lies beyond the padding counts for nothing, whatever the mode.
    ones = jnp.ones((1, *self.shape[1:-1], 1), self.dtype)
    counted = windows
    if count_include_pad:
        known = [min(a, b) for a, b in zip(windows.after, windows.before, strict=True)]
        widths = [(b, a, 0) for b, a in zip(windows.before, known, strict=True)]
        ones = lax.pad(ones, jnp.asarray(1, ones.dtype), [(0, 0, 0), *widths, (0, 0, 0)])
        rest = [a - b for a, b in zip(windows.after, known, strict=True)]
        counted = windows._replace(before=(0,) * len(rest), after=rest)
    return total / sum(counted.slices(counted.padded(ones)))


def _adaptive_avg_pool(self: Any, output_size: Ints) -> Any:
    sides = self.shape[1:-1]
    wanted = [side if n is None else n for n, side in zip(output_size, sides, strict=True)]
    if all(side % n == 0 for n, side in zip(wanted, sides, strict=True)):
        size = [side // n for n, side in zip(wanted, sides, strict=True)]
        return _avg_pool(self, size)
    cells = []
    for place in product(*(range(n) for n in wanted)):
        starts = [at * side // n for at, n, side in zip(place, wanted, sides, strict=True)]
        ends = [-(-(at + 1) * side // n) for at, n, side in zip(place, wanted, sides, strict=True)]
        cell = lax.slice(self, (0, *starts, 0), (self.shape[0], *ends, self.shape[-1]))
        cells.append(cell.mean(tuple(range(1, self.ndim - 1))))
    return jnp.stack(cells, 1).reshape(self.shape[0], *wanted, self.shape[-1])


def _each(numbers: Ints, axes: int) -> tuple[int, ...]:
    """Repeat one number for every axis."""
    return tuple(numbers) * (axes // len(numbers))


POOLING: Mapping[str, Callable[..., Any]] = {
    "_adaptive_avg_pool2d": _adaptive_avg_pool,
    "adaptive_avg_pool1d": _adaptive_avg_pool,
    "avg_pool1d": _avg_pool,
    "avg_pool2d": _avg_pool,
    "max_pool2d_with_indices": max_pool,
}
