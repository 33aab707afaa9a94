"""Adam: running mean of gradients over the root of their running mean square."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along the ratio of both moments, each corrected for its start at zero.

    Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization"; `torch.optim.Adam`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.5))
    >>> round(float(weights), 6)
    0.5
    """
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    square = s.beta2 * slots[1] + (1 - s.beta2) * gradients * gradients
    scale = ops.sqrt(square) / (1 - s.beta2**step) ** 0.5 + s.epsilon
    return weights - s.learning_rate / (1 - s.beta1**step) * mean / scale, (mean, square)


ADAM = Optimizer(
    name="adam",
    slots=("mean", "square"),
    settings=("beta1", "beta2", "epsilon"),
    update=update,
    learning_rates=Float(1e-4, 3e-2, log=True),
    default_learning_rate=1e-3,
    reference="Kingma & Ba 2015, Adam: A Method for Stochastic Optimization",
)
