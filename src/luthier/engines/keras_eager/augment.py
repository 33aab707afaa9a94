"""Rows varied as the PyTorch engine does it, by the same keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.catalog.augmentation import moved, noise

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
    at, _, seen = moved(kinds, seed, step, x.shape[:3])
    varied = (x[at] * seen[..., None]).astype(x.dtype)
    return varied if last else np.moveaxis(varied, -1, 1)


def noisy(rows: Array, amount: Array, seed: int, step: int) -> Array:
    """Add normal noise to the rows of a step.

    Args:
        rows: A batch.
        amount: Its standard deviation for each number of a row.
        seed: The trial's.
        step: Its step.
    """
    varied: Array = rows + amount.astype(rows.dtype) * noise(seed, step, rows.shape, rows.dtype)
    return varied
