"""Which rows are trained on in which order, and which are evaluated: the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core.keys import bits, fold, fold_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

_ORDER = 1  # the word that keeps these draws apart from those of luthier.catalog.augmentation
_INDEX = np.uint64(0xFFFFFFFF)


def epoch_order(seed: int, epoch: int, rows: int, batch_size: int) -> Rows:
    """Return the rows of each step of an epoch, shape (steps, batch size).

    The order is drawn afresh from (seed, epoch), and the last short batch is dropped. A full
    batch keeps the order of the data: nothing is drawn that could matter.

    >>> epoch_order(seed=0, epoch=0, rows=5, batch_size=2).shape
    (2, 2)
    """
    order: Rows = epoch_orders(seed, range(epoch, epoch + 1), rows, batch_size)[0]
    return order


def epoch_orders(seed: int, epochs: range, rows: int, batch_size: int) -> Rows:
    """Return the orders of several epochs, shape (epochs, steps, batch size): faster at once.

    >>> many = epoch_orders(seed=0, epochs=range(3, 5), rows=5, batch_size=2)
    >>> bool((many[1] == epoch_order(seed=0, epoch=4, rows=5, batch_size=2)).all())
    True
    """
    if batch_size == rows:
        return np.tile(np.arange(rows), (len(epochs), 1, 1))
    steps = rows // batch_size
    each = np.arange(epochs.start, epochs.stop, dtype=np.uint64)[:, None]
    low, high = (word.astype(np.uint32) for word in fold_in(order_key(seed), each))
    order = _shuffled((low, high), rows)[:, : steps * batch_size]
    return order.reshape(len(epochs), steps, batch_size)


def order_key(seed: int) -> tuple[int, int]:
    """Return the key that an epoch's number is folded into, for whoever draws orders elsewhere.

    >>> order_key(0) == order_key(1)
    False
    """
    return fold(seed, _ORDER)


def sample_rows(rows: int, size: int) -> Rows:
    """Return a sample of the rows that is the same in every training, in their order.

    >>> len(sample_rows(rows=1000, size=256))
    256
    """
    return np.sort(_shuffled(fold(0, rows), rows)[:size])


def _shuffled(key: tuple[Any, Any], rows: int) -> Rows:
    # Bits and index in one number: its plain sort is the stable one by bits, and far faster.
    index: Any = np.arange(rows, dtype=np.uint32)
    drawn = bits(key, index).astype(np.uint64) << np.uint64(32) | index
    drawn.sort(axis=-1)
    rows_in_order: Rows = (drawn & _INDEX).astype(np.int64)
    return rows_in_order
