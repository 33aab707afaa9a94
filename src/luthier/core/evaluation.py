"""How much is evaluated after an epoch, and in pieces of which size."""

from __future__ import annotations

from luthier.core.task import Arrays

CHUNK = 1024  # rows of a forward pass at most: more would not run faster, and would take memory


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
    passes = -(-rows // CHUNK)
    return -(-rows // passes)
