"""Scales of inputs and targets: whether they stand out, and the same values without it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.inspecting.loss_facts import NUMBERS

Array = NDArray[Any]
_MILD = (0.05, 5.0)  # deviations of targets that no experiment is needed for
_REACH = (0.1, 20.0)  # of features: standardised ones reach to 4, with heavy tails to 10
_BYTES = 255.0


def standard(x: Array) -> bool:
    """Tell whether inputs reach about as far as networks expect: [0, 1], [-1, 1], a deviation of 1.

    How far a feature reaches counts, not how much it varies: a rare word or a pixel at the border
    hardly varies, and is fine. Whole numbers above those of bytes are words, and the like.

    >>> standard(np.linspace(0, 1, 8).reshape(4, 2)), standard(np.full((4, 2), 200, "uint8"))
    (True, False)
    """
    if x.dtype.kind not in "fui" or x.ndim < 2 or not bool(np.isfinite(x).all()):
        return True
    flat = x.astype(np.float64)
    reach = np.abs(flat if x.ndim == 2 else flat.reshape(-1, 1)).max(axis=0)
    reach = reach[reach > 0]
    if x.dtype.kind != "f" and reach.max(initial=0.0) > _BYTES:
        return True
    return not len(reach) or bool(np.median(reach) > _REACH[0] and reach.max() < _REACH[1])


def scaled_inputs(x: Array) -> Array:
    """Return features, or channels of images, of mean 0 and deviation 1."""
    flat = x.astype(np.float64)
    dims = (0,) if x.ndim == 2 else tuple(range(x.ndim - 1))
    mean, std = flat.mean(axis=dims, keepdims=True), flat.std(axis=dims, keepdims=True)
    return np.asarray((flat - mean) / np.where(std > 0, std, 1.0), np.float32)


def ranged(x: Array) -> Array:
    """Return values that reach from 0, or -1, to 1."""
    reach = float(np.abs(x.astype(np.float64)).max())
    return np.asarray(x / reach if reach > 0.0 else x, np.float32)


def scaled_target(kind: str, target_type: str, y: Array) -> Array | None:
    """Return targets of mean 0 and deviation 1; None where theirs do not stand out."""
    if kind not in NUMBERS or target_type != "numbers":
        return None
    spread, mean = float(y.astype(np.float64).std()), float(y.astype(np.float64).mean())
    if not math.isfinite(spread) or spread <= 0:
        return None
    if _MILD[0] < spread < _MILD[1] and abs(mean) <= _MILD[1] * spread:
        return None
    return np.asarray((y.astype(np.float64) - mean) / spread, np.float32)
