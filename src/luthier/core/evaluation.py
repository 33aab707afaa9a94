"""How much is evaluated after an epoch, and in pieces of which size."""

from __future__ import annotations

from math import prod

from luthier.core.task import Arrays

CHUNK = 1024  # rows of a forward pass at most: more would not run faster, and would take memory
POSITIONS = 1 << 17  # of such a pass: 64 channels of them take 34 MB in single precision


def pass_rows(positions: tuple[int, ...] = ()) -> int:
    """Return how many rows a forward pass takes at most, of outputs at such positions.

    >>> pass_rows(), pass_rows((64,)), pass_rows((64, 64)), pass_rows((1024, 1024))
    (1024, 1024, 32, 1)
    """
    return max(1, min(CHUNK, POSITIONS // prod(positions)))


def sample_size(rows: int, *, least: int = 256, most: int = 1024, share: float = 1 / 8) -> int:
    """Return how many rows of a training part are evaluated after each epoch.

    Args:
        rows: Of the training part.
        least: As many as small validation parts have; the sampling error of a mean loss is then
            a 16th of the spread of single losses.
        most: Enough to tell a gap of 0.02 in log-loss.
        share: Evaluating an eighth of the rows adds a 24th to the arithmetic of an epoch.

    >>> [sample_size(rows) for rows in (100, 1000, 4000, 100_000)]
    [100, 256, 500, 1024]
    """
    return min(rows, max(least, min(most, int(share * rows))))


def chunk_rows(arrays: Arrays) -> int:
    """Return the rows of one pass where sample and validation part are evaluated together.

    Passes are equally long, so that at most one row a pass is padding.
    """
    rows = sample_size(len(arrays.train)) + len(arrays.val)
    passes = -(-rows // pass_rows(arrays.task.positions))
    return -(-rows // passes)
