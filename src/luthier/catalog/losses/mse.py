"""Mean squared error."""

from __future__ import annotations

from luthier.catalog.losses.loss import Loss
from luthier.catalog.ops import A, Ops


def per_example(ops: Ops, outputs: A, targets: A, /) -> A:
    """Return the mean square of the errors over an example's outputs.

    Source: `torch.nn.functional.mse_loss`.

    >>> import numpy as np
    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> per_example(numpy_ops, np.array([[1.0, 3.0]]), np.zeros((1, 2))).tolist()
    [5.0]
    """
    error = outputs - targets
    return ops.sum(error * error) / outputs.shape[-1]


MSE = Loss("mse", "regression", per_example, "torch.nn.functional.mse_loss")
