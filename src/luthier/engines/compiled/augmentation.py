"""Rows varied inside a program, as the PyTorch engine does it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from luthier.catalog.augmentation import (
    COLUMN,
    DOWN,
    FLIP,
    NOISE,
    RIGHT,
    ROW,
    hole,
    longest_shift,
    normal,
)
from luthier.core.keys import bits, fold_in
from luthier.engines.chunks.exchange import Examples

IMAGES = 4  # dimensions: rows, channels, height, width


def varied(batch: Examples, kinds: Any, key: tuple[Any, Any], number: Any) -> Examples:
    """Vary the images of a step; classes of their pixels move along.

    Args:
        batch: The step's examples. Rows of images come first, then channels; other inputs stay.
        kinds: What happens to them, a binary digit each, as `luthier.catalog.augmentation.KINDS`; a
            number of the program's, so that trials with any of them share it.
        key: The seed's.
        number: The step's.
    """
    images, *rest = batch.inputs
    if images.ndim != IMAGES:
        return batch
    zero = jnp.zeros((), images.dtype)

    def drawn(word: int, choices: int) -> Any:
        rows = lax.iota(jnp.uint32, images.shape[0])
        found = bits(fold_in(key, jnp.uint32(word), number), rows) % jnp.uint32(choices)
        return found.astype(jnp.int32)[:, None]

    def change() -> Examples:
        high, wide = images.shape[2:]
        flips, shifts, cuts = (kinds & jnp.uint32(1 << n) != 0 for n in range(3))
        down, right = jnp.arange(high)[None], jnp.arange(wide)[None]
        right = jnp.where(flips & (drawn(FLIP, 2) == 1), wide - 1 - right, right)
        far = [(DOWN, longest_shift(high)), (RIGHT, longest_shift(wide))]
        moves = [jnp.where(shifts, drawn(word, 2 * most + 1) - most, 0) for word, most in far]
        down, right = down + moves[0], right + moves[1]
        inside = _inside(down, high)[:, :, None] & _inside(right, wide)[:, None]
        row, column = (_within(drawn(w, n), n) for w, n in ((ROW, high), (COLUMN, wide)))
        seen = inside & ~(cuts & row[:, :, None] & column[:, None])
        each = jnp.arange(images.shape[0])[:, None, None]
        place = (each, down.clip(0, high - 1)[:, :, None], right.clip(0, wide - 1)[:, None])
        moved = jnp.moveaxis(jnp.moveaxis(images, 1, -1)[place], -1, 1)
        target, weight = batch.target, batch.weight
        if weight.ndim > 1:  # of pixels: what comes in counts nothing
            target, weight = target[place], jnp.where(inside, weight[place], 0)
        return Examples((jnp.where(seen[:, None], moved, zero), *rest), target, weight)

    found: Examples = lax.cond(kinds > 0, change, lambda: batch)
    return found


def noisy(batch: Examples, amount: Any, key: tuple[Any, Any], number: Any) -> Examples:
    """Add normal noise to the first input of a step.

    Args:
        batch: The step's examples.
        amount: Its standard deviation for each number of a row.
        key: The seed's.
        number: The step's.
    """
    first, *rest = batch.inputs
    drawn = bits(fold_in(key, jnp.uint32(NOISE), number), lax.iota(jnp.uint32, first.size))
    added = amount.astype(first.dtype) * normal(drawn, jnp, first.dtype).reshape(first.shape)
    return batch._replace(inputs=(first + added, *rest))


def _inside(at: Any, side: int) -> Any:
    return (at >= 0) & (at < side)


def _within(middle: Any, side: int) -> Any:
    """Tell which places of a side a hole around some middles covers."""
    begin = middle - hole(side) // 2
    at = jnp.arange(side)[None]
    return (at >= begin) & (at < begin + hole(side))
