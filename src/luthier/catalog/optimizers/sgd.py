"""Gradient descent: w <- w - lr g."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step down the gradient.

    Source: Robbins & Monro 1951, "A Stochastic Approximation Method"; `torch.optim.SGD`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> update(numpy_ops, 1.0, 0.5, (), 1, Settings(0.1))
    (0.95, ())
    """
    return weights - s.learning_rate * gradients, ()


SGD = Optimizer(
    name="sgd",
    slots=(),
    settings=(),
    update=update,
    learning_rates=Float(1e-3, 1.0, log=True),
    default_learning_rate=0.1,
    reference="Robbins & Monro 1951, A Stochastic Approximation Method",
)
