"""AdaDelta: steps in the unit of the weights, from running means of squares."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Scale gradients by the ratio of running step size to running gradient size.

    Source: Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method"; `torch.optim.Adadelta`.
    `beta2` is the paper's rho, usually 0.9; the usual epsilon is 1e-6 and learning rate 1.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (4.0, 1.0), 2, Settings(0.5, beta2=0.5))
    >>> round(float(weights), 6)
    0.5
    """
    square = s.beta2 * slots[0] + (1 - s.beta2) * gradients * gradients
    scale = ops.sqrt(slots[1] + s.epsilon) / ops.sqrt(square + s.epsilon)
    change = scale * gradients
    moved = s.beta2 * slots[1] + (1 - s.beta2) * change * change
    return weights - s.learning_rate * change, (square, moved)


ADADELTA = Optimizer(
    name="adadelta",
    slots=("square", "moved"),
    settings=("beta2", "epsilon"),
    update=update,
    learning_rates=Float(0.1, 10.0, log=True),
    default_learning_rate=1.0,
    reference="Zeiler 2012, ADADELTA: An Adaptive Learning Rate Method",
    defaults={"beta2": 0.9, "epsilon": 1e-6},
)
