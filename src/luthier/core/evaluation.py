"""How much is evaluated after an epoch, and in pieces of which size."""

from __future__ import annotations

from luthier.core.task import Arrays

SAMPLE = 1024  # rows of the fixed training sample: enough to tell a gap of 0.02 in log-loss
CHUNK = 1024  # rows of a forward pass at most: more would not run faster, and would take memory


def chunk_rows(arrays: Arrays) -> int:
    """Return the rows of one pass where sample and validation part are evaluated together.

    Passes are equally long, so that at most one row a pass is padding.
    """
    rows = min(SAMPLE, len(arrays.train)) + len(arrays.val)
    passes = -(-rows // CHUNK)
    return -(-rows // passes)
