"""AdaGrad: gradients divided by the root of the sum of all their squares."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide by the root of the summed squares.

    Source: Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization"; `torch.optim.Adagrad`. The usual epsilon is 1e-10.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, slots = update(numpy_ops, 1.0, 3.0, (16.0,), 2, Settings(0.5))
    >>> round(float(weights), 6), slots
    (0.7, (25.0,))
    """
    total = slots[0] + gradients * gradients
    return weights - s.learning_rate * gradients / (ops.sqrt(total) + s.epsilon), (total,)


ADAGRAD = Optimizer(
    name="adagrad",
    slots=("total",),
    settings=("epsilon",),
    update=update,
    learning_rates=Float(1e-3, 0.3, log=True),
    default_learning_rate=0.03,
    reference="Duchi, Hazan & Singer 2011, Adaptive Subgradient Methods",
    defaults={"epsilon": 1e-10},
)
