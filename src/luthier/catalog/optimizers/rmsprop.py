"""RMSProp: gradients divided by the root of their running mean square."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide by the running root mean square; `beta2` is what torch calls alpha.

    Source: Tieleman & Hinton 2012, "Lecture 6.5: RMSProp"; `torch.optim.RMSprop` without
    momentum, epsilon outside of the root. The usual beta2 is 0.99.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, slots = update(numpy_ops, 1.0, 2.0, (0.0,), 1, Settings(0.1, beta2=0.75))
    >>> round(float(weights), 6), slots
    (0.8, (1.0,))
    """
    square = s.beta2 * slots[0] + (1 - s.beta2) * gradients * gradients
    return weights - s.learning_rate * gradients / (ops.sqrt(square) + s.epsilon), (square,)


RMSPROP = Optimizer(
    name="rmsprop",
    slots=("square",),
    settings=("beta2", "epsilon"),
    update=update,
    learning_rates=Float(1e-4, 1e-2, log=True),
    default_learning_rate=1e-3,
    reference="Tieleman & Hinton 2012, Lecture 6.5: RMSProp",
    defaults={"beta2": 0.99},
)
