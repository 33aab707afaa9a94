"""The user's data as arrays: inputs and targets, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import DataError
from luthier.frameworks.keras.watching_data import array_of

Array = NDArray[Any]
ROWS = 1024  # rows that experiments use: enough to tell a loss, few enough for seconds
_BATCHES = 64  # batches of a data set that are read for them


@dataclass(frozen=True, eq=False)
class Rows:
    """Inputs and targets.

    Args:
        inputs: One array an input of the model.
        target: What the loss gets beside the outputs.
        batch_size: Rows of a step.
        total: Rows that the data have in all.
    """

    inputs: tuple[Array, ...]
    target: Array
    batch_size: int
    total: int

    def __len__(self) -> int:
        return len(self.target)

    def take(self, index: Array) -> tuple[tuple[Array, ...], Array]:
        """Return some rows as a batch."""
        return tuple(x[index] for x in self.inputs), self.target[index]

    def batches(self, seed: int) -> Iterator[tuple[tuple[Array, ...], Array]]:
        """Yield batches for ever, each epoch in a new order."""
        rng = np.random.default_rng(seed)
        size = min(self.batch_size, len(self))
        while True:
            order = rng.permutation(len(self))
            for start in range(0, len(self) - size + 1, size):
                yield self.take(order[start : start + size])


def read_rows(data: Any, batch_size: int | None, most: int, seed: int) -> Rows:
    """Return at most some rows of ``(X, y)`` or of a data set, drawn at random.

    Raises:
        DataError: for data that hold no pairs.
    """
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        inputs, target = data[0], data[1]
        size = batch_size or 32
    elif isinstance(data, Iterable) and not isinstance(data, (Mapping, str, np.ndarray)):
        inputs, target, size = _read(data, most)
    else:
        raise DataError(
            f"data is a {type(data).__name__}, but inputs and targets were expected. Pass "
            "data=(X, y), or a data set of batches of such pairs."
        )
    several = isinstance(inputs, (tuple, list)) and all(hasattr(x, "shape") for x in inputs)
    xs = tuple(_array(x) for x in (inputs if several else [inputs]))
    y = _array(target)
    if not len(y) or any(len(x) != len(y) for x in xs):
        counts = ", ".join(str(len(x)) for x in xs)
        raise DataError(
            f"inputs have {counts} rows and targets have {len(y)}. Both need the same number, and "
            "at least one. Pass data=(X, y) with a target for each row."
        )
    total = len(y)
    if total > most:
        index = np.random.default_rng(seed).permutation(total)[:most]
        xs, y = tuple(x[index] for x in xs), y[index]
    return Rows(xs, y, size, total)


def _read(data: Iterable[Any], most: int) -> tuple[Any, Any, int]:
    """Read a data set's first batches; a `PyDataset` is read by number, as Keras does."""
    batches: Iterable[Any] = data
    if isinstance(data, keras.utils.PyDataset):
        batches = (data[i] for i in range(min(len(data), _BATCHES)))
    xs: list[tuple[Array, ...]] = []
    ys: list[Array] = []
    for batch in islice(batches, _BATCHES):
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise DataError(
                f"the data set yields a {type(batch).__name__}, but pairs of inputs and targets "
                "were expected. Map it to pairs: dataset.map(lambda row: (inputs, target))."
            )
        first = batch[0]
        several = isinstance(first, (tuple, list))
        xs.append(tuple(_array(x) for x in (first if several else [first])))
        ys.append(_array(batch[1]))
        if sum(map(len, ys)) >= most:
            break
    if not ys:
        raise DataError("the data set yields no batch. Pass one that yields at least one.")
    if ys[0].ndim == 0:
        raise DataError(
            "the data set yields single rows, but batches were expected. Write dataset.batch(32)."
        )
    inputs = tuple(np.concatenate(parts) for parts in zip(*xs, strict=True))
    return list(inputs), np.concatenate(ys), max(map(len, ys))


def _array(value: Any) -> Array:
    found = array_of(value)
    array = np.asarray(value if found is None else found)
    if array.dtype.kind in "OUS":
        raise DataError(
            f"an array holds {array.dtype} values, but numbers were expected. Turn categories into "
            "codes, and classes into 0, 1, 2, ...."
        )
    if array.dtype == np.float64:
        return array.astype(np.float32) if keras.config.floatx() == "float32" else array
    return array
