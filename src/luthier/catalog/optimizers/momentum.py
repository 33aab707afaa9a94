"""Gradient descent with momentum (heavy ball): v <- m v + g, w <- w - lr v."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along a running sum of gradients, without dampening.

    Source: Polyak 1964, "Some methods of speeding up the convergence of iteration methods";
    `torch.optim.SGD(momentum=...)`. Keras keeps lr inside the running sum, which differs under a
    schedule.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> update(numpy_ops, 1.0, 0.5, (1.0,), 2, Settings(0.1, momentum=0.5))
    (0.9, (1.0,))
    """
    velocity = s.momentum * slots[0] + gradients
    return weights - s.learning_rate * velocity, (velocity,)


MOMENTUM = Optimizer(
    name="momentum",
    slots=("velocity",),
    settings=("momentum",),
    update=update,
    learning_rates=Float(3e-4, 0.3, log=True),
    default_learning_rate=0.02,
    reference="Polyak 1964, Some methods of speeding up the convergence of iteration methods",
)
