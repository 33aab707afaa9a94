"""Data as C programs read them: rows filled up to whole vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from luthier.engines.chunks.exchange import Examples, Rows
from luthier.engines.chunks.tables import Place
from luthier.engines.native.gemm import SPARE
from luthier.engines.native.machine import Machine

Array = np.ndarray[Any, Any]


def filled_for(machine: Machine) -> Place:
    """Return what fills up the rows of a data set: targets, and inputs that are evaluated.

    Programs gather the inputs of a batch, which thus may stay as they are; the others they read
    in place. Whole numbers become real ones, which hold those of any table that fits in memory.
    """
    dtype = np.dtype(np.float64 if machine.double else np.float32)

    def place(arrays: Any) -> Any:
        if isinstance(arrays, Examples):
            (inputs,) = arrays.inputs
            return Examples(
                inputs=(np.ascontiguousarray(inputs, dtype),),
                target=targets(arrays.target),
                weight=np.ascontiguousarray(arrays.weight),
            )
        if not isinstance(arrays, Rows):
            return np.ascontiguousarray(arrays)
        (inputs,) = arrays.inputs
        flat = inputs.reshape(inputs.shape[0] * inputs.shape[1], -1).astype(dtype, copy=False)
        return arrays._replace(
            inputs=(filled(flat, machine.apart, spare=SPARE),),
            sample_target=targets(arrays.sample_target),
            val_target=targets(arrays.val_target),
        )

    def targets(given: Array) -> Array:
        labels = np.issubdtype(given.dtype, np.integer)  # of positions: a number each
        return np.ascontiguousarray(given, dtype) if labels else filled(given, machine.padded)

    return place


def filled(rows: Array, width: Callable[[int], int], *, spare: int = 0) -> Array:
    """Return rows with zeros up to the width that a function tells for theirs, and more rows.

    >>> filled(np.ones((1, 2)), lambda size: size + 1)
    array([[1., 1., 0.]])
    """
    count, size = rows.shape
    found = np.zeros((count + spare, width(size)), rows.dtype)
    found[:count, :size] = rows
    return found
