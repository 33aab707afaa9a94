"""Which rows are trained on in which order, and which are evaluated: the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core.keys import bits, fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_ORDER = 1  # the first of the words that keep the draws of a training apart
_INDEX = np.uint64(0xFFFFFFFF)


def epoch_order(seed: int, epoch: int, rows: int, batch_size: int) -> Rows:
    """Return the rows of each step of an epoch, shape (steps, batch size).

    The order is drawn afresh from (seed, epoch), and the last short batch is dropped. A full
    batch keeps the order of the data: nothing is drawn that could matter.

    >>> epoch_order(seed=0, epoch=0, rows=5, batch_size=2).shape
    (2, 2)
    """
    if batch_size == rows:
        return np.arange(rows).reshape(1, rows)
    steps = rows // batch_size
    return _shuffled(fold(seed, _ORDER, epoch), rows)[: steps * batch_size].reshape(steps, -1)


def sample_rows(rows: int, size: int) -> Rows:
    """Return a sample of the rows that is the same in every training, in their order.

    >>> len(sample_rows(rows=1000, size=256))
    256
    """
    return np.sort(_shuffled(fold(0, rows), rows)[:size])


def _shuffled(key: tuple[int, int], rows: int) -> Rows:
    # Bits and index in one number: its plain sort is the stable one by bits, and far faster.
    index: Any = np.arange(rows, dtype=np.uint32)
    drawn = bits(key, index).astype(np.uint64) << np.uint64(32) | index
    drawn.sort()
    rows_in_order: Rows = (drawn & _INDEX).astype(np.int64)
    return rows_in_order
