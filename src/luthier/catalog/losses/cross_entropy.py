"""Cross-entropy of a softmax over logits."""

from __future__ import annotations

from luthier.catalog.losses.loss import Loss
from luthier.catalog.ops import A, Ops


def per_example(ops: Ops, outputs: A, targets: A, /) -> A:
    """Return minus the log-probability of each example's classes, weighed by their shares.

    Source: `torch.nn.functional.cross_entropy` with class probabilities as targets.

    Args:
        ops: The array library.
        outputs: Logits, of shape (n, classes).
        targets: Share of each class, of shape (n, classes).

    >>> import numpy as np
    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> per_example(numpy_ops, np.zeros((1, 4)), np.eye(4)[:1]).round(4).tolist()
    [1.3863]
    """
    return -ops.sum(targets * ops.log_softmax(outputs))


CROSS_ENTROPY = Loss(
    "cross_entropy", "classification", per_example, "torch.nn.functional.cross_entropy"
)
