"""Huber's loss: squared near the target, absolute far from it."""

from __future__ import annotations

from luthier.catalog.losses.loss import Loss
from luthier.catalog.ops import A, Ops


def per_example(ops: Ops, outputs: A, targets: A, /) -> A:
    """Return the mean over outputs of e^2/2 up to an error of 1, and of |e| - 1/2 beyond it.

    Source: Huber 1964, "Robust Estimation of a Location Parameter";
    `torch.nn.functional.huber_loss(delta=1)`. Targets are standardised, so 1 is one deviation.

    >>> import numpy as np
    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> per_example(numpy_ops, np.array([[1.0, -3.0]]), np.zeros((1, 2))).tolist()
    [1.5]
    """
    error = outputs - targets
    size = ops.abs(error)
    return ops.sum(ops.where(size <= 1.0, 0.5 * error * error, size - 0.5)) / outputs.shape[-1]


HUBER = Loss(
    "huber", "regression", per_example, "Huber 1964, Robust Estimation of a Location Parameter"
)
