"""Lion: the sign of a running mean of gradients."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step by the learning rate in the direction of a sign.

    Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", program 1. Every
    weight moves by the learning rate, so it wants one three to ten times below Adam's, and as
    many times more weight decay. The usual beta2 is 0.99.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0,), 1, Settings(0.25))
    >>> float(weights)
    0.75
    """
    direction = ops.sign(s.beta1 * slots[0] + (1 - s.beta1) * gradients)
    mean = s.beta2 * slots[0] + (1 - s.beta2) * gradients
    return weights - s.learning_rate * direction, (mean,)


LION = Optimizer(
    name="lion",
    slots=("mean",),
    settings=("beta1", "beta2"),
    update=update,
    learning_rates=Float(1e-5, 3e-3, log=True),
    default_learning_rate=3e-4,
    reference="Chen et al. 2023, Symbolic Discovery of Optimization Algorithms",
    defaults={"beta2": 0.99},
)
