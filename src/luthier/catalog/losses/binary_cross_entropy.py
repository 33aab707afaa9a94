"""Cross-entropy of a sigmoid over one logit."""

from __future__ import annotations

from luthier.catalog.losses.loss import Loss
from luthier.catalog.ops import A, Ops


def per_example(ops: Ops, outputs: A, targets: A, /) -> A:
    """Return minus the log-probability of the second class or of the first.

    Source: `torch.nn.functional.binary_cross_entropy_with_logits`.

    Args:
        ops: The array library.
        outputs: The second class's logit, of shape (n, 1).
        targets: The second class's share in the last column, of shape (n, 1) or (n, 2).

    >>> import numpy as np
    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> per_example(numpy_ops, np.zeros((1, 1)), np.ones((1, 1))).round(4).tolist()
    [0.6931]
    """
    share = targets[..., -1:]
    return -ops.sum(share * ops.log_sigmoid(outputs) + (1 - share) * ops.log_sigmoid(-outputs))


BINARY_CROSS_ENTROPY = Loss(
    "binary_cross_entropy",
    "classification",
    per_example,
    "torch.nn.functional.binary_cross_entropy_with_logits",
)
