"""Log-probabilities from logits, shared by the metrics that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from luthier.catalog.metrics.metric import Array


def log_probabilities(outputs: Array) -> Array:
    """Return the logarithm of the softmax of each row.

    >>> log_probabilities(np.zeros((1, 2))).round(3).tolist()
    [[-0.693, -0.693]]
    """
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def surprise(outputs: Array, targets: Array) -> Array:
    """Return minus the log-probability of each row's class.

    >>> surprise(np.zeros((1, 2)), np.array([0])).round(3).tolist()
    [0.693]
    """
    return np.asarray(-log_probabilities(outputs)[np.arange(len(targets)), targets])
