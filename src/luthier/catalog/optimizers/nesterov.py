"""Gradient descent with Nesterov's momentum: v <- m v + g, w <- w - lr (g + m v)."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along a running sum of gradients that looks one step ahead.

    Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep
    learning"; `torch.optim.SGD(momentum=..., nesterov=True)`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> update(numpy_ops, 1.0, 0.5, (1.0,), 2, Settings(0.1, momentum=0.5))
    (0.9, (1.0,))
    """
    velocity = s.momentum * slots[0] + gradients
    return weights - s.learning_rate * (gradients + s.momentum * velocity), (velocity,)


NESTEROV = Optimizer(
    name="nesterov",
    slots=("velocity",),
    settings=("momentum",),
    update=update,
    learning_rates=Float(3e-4, 0.3, log=True),
    default_learning_rate=0.02,
    reference="Sutskever et al. 2013, On the importance of initialization and momentum",
)
