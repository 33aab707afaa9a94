"""Convolutions of packs, as products with a banded matrix along the last axis.

Windows side by side repeat each value once for every place of the window: nine times for a window
of 3 x 3, and that is what limits a pack on a GPU, whose matrix units have much to spare. Here a
tile of neighbouring outputs along the last axis is one row of the product: the values below it are
written once for each of the window's other axes, three times for 3 x 3, and the kernel stands in a
matrix, moved along from output to output, with zeros around it. The zeros are multiplied as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

import jax.numpy as jnp
from jax import lax

from luthier.engines.compiled.operations.convolutions import Windows, by, sliced

_TILES = {2: 8}  # outputs of a tile, by the bytes of a value; 2 of wider ones


def tiled(x: Any, weight: Any, windows: Windows, groups: int, *, most: int | None = None) -> Any:
    """Return a convolution; x: rows first, channels last; weight: outputs, inputs, then the window.

    Args:
        x: The input.
        weight: The kernel.
        windows: How the window moves.
        groups: Of channels; of more than one windows are written side by side.
        most: Outputs of a tile. More repeat fewer values and multiply more zeros. None takes what
            was best for images of 28 x 28: in half precision, which matrix units multiply, 7 of
            2, 4, 7, 14 and 28 on an H100; in single precision 2 (of 2, 4 and 7, with 4 as good
            within 3 % on an H200), as zeros cost as much as numbers there.
    """
    most = most or _TILES.get(x.dtype.itemsize, 2)
    size, stride, gap = (part[-1] for part in (windows.size, windows.stride, windows.dilation))
    if groups != 1 or size == 1:
        return sliced(x, weight, windows, groups)
    outputs, inputs = weight.shape[:2]
    x = windows.padded(x)
    count = (x.shape[-2] - gap * (size - 1) - 1) // stride + 1
    tiles = ceil(count / most)
    tile = ceil(count / tiles)
    span = stride * (tile - 1) + gap * (size - 1) + 1
    step = stride * tile  # from one tile to the next
    reach = range(0, span, step)
    short = max(reach[-1] + tiles * step - x.shape[-2], 0)  # what the last tiles have too much
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, short), (0, 0)])
    above = windows._replace(  # the last axis is cut into tiles below
        size=(*windows.size[:-1], 1),
        stride=(*windows.stride[:-1], 1),
        dilation=(*windows.dilation[:-1], 1),
    )

    def wide(place: Any) -> Any:
        # Steps beside each other make a tile, so that a GPU writes all places in one pass.
        parts = [lax.slice_in_dim(place, at, at + tiles * step, axis=-2) for at in reach]
        parts = [part.reshape(*part.shape[:-2], tiles, step * inputs) for part in parts]
        return jnp.concatenate(parts, -1)[..., : span * inputs]

    rows = jnp.concatenate([wide(place) for place in above.slices(x)], -1)
    kernel = jnp.moveaxis(weight.reshape(outputs, inputs, -1, size), (0, 1), (3, 2))
    made = rows @ _banded(kernel, tile, span, stride, gap).reshape(-1, tile * outputs)
    made = made.reshape(*made.shape[:-2], tiles * tile, outputs)
    return lax.slice_in_dim(made, 0, count, axis=-2)


def _banded(kernel: Any, tile: int, span: int, stride: int, gap: int) -> Any:
    """Return the matrix: places above, values below the tile, inputs, the tile, outputs."""
    zero = jnp.zeros((), kernel.dtype)
    reach = gap * (kernel.shape[1] - 1) + 1

    def moved(at: int) -> Any:
        first = at * stride
        around = ((0, 0, 0), (first, span - reach - first, gap - 1), (0, 0, 0), (0, 0, 0))
        return lax.pad(kernel, zero, around)

    return jnp.stack([moved(at) for at in range(tile)], 3)


TILED: Mapping[str, Callable[..., Any]] = {"convolution": by(tiled)}
