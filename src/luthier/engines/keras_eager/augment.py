"""Images mirrored, shifted or cut as the PyTorch engine does it, by the same keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.catalog.order import COLUMN, DOWN, FLIP, RIGHT, ROW, hole, longest_shift
from luthier.core.keys import bits, fold

Array = np.ndarray[Any, Any]


def augmented(images: Array, kinds: str, seed: int, step: int, *, last: bool) -> Array:
    """Flip images left to right, shift them by up to an eighth of their side, or cut a hole.

    Args:
        images: A batch.
        kinds: What to do: ``flip``, ``shift``, ``cutout``, or several of them.
        seed: The trial's.
        step: Its step.
        last: Whether channels come last.
    """
    x = images if last else np.moveaxis(images, 1, -1)
    count, height, width = x.shape[:3]
    positions = np.arange(count, dtype=np.uint32)
    down, right = np.tile(np.arange(height), (count, 1)), np.tile(np.arange(width), (count, 1))
    if "flip" in kinds:
        flipped = bits(fold(seed, FLIP, step), positions) % 2 == 1
        right = np.where(flipped[:, None], width - 1 - right, right)
    if "shift" in kinds:
        down = down + _shifts(seed, DOWN, step, positions, longest_shift(height))
        right = right + _shifts(seed, RIGHT, step, positions, longest_shift(width))
    inside = ((down >= 0) & (down < height))[:, :, None] & ((right >= 0) & (right < width))[:, None]
    if "cutout" in kinds:
        row = _within(bits(fold(seed, ROW, step), positions), height)
        column = _within(bits(fold(seed, COLUMN, step), positions), width)
        inside = inside & ~(row[:, :, None] & column[:, None])
    down, right = down.clip(0, height - 1)[:, :, None], right.clip(0, width - 1)[:, None]
    moved = x[np.arange(count)[:, None, None], down, right] * inside[..., None]
    return moved.astype(x.dtype) if last else np.moveaxis(moved.astype(x.dtype), -1, 1)


def _shifts(seed: int, kind: int, step: int, positions: Array, most: int) -> Array:
    drawn: Array = bits(fold(seed, kind, step), positions) % (2 * most + 1)
    return (drawn.astype(np.int64) - most)[:, None]


def _within(drawn: Array, side: int) -> Array:
    """Tell which places of a side the hole of each image covers."""
    begin = ((drawn % side).astype(np.int64) - hole(side) // 2)[:, None]
    at = np.arange(side)
    return (at >= begin) & (at < begin + hole(side))
