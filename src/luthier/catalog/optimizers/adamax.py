"""AdaMax: Adam with the running maximum of gradients in place of their mean square."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide the running mean by the decayed maximum of absolute gradients.

    Source: Kingma & Ba 2015, "Adam", section 7.1; `torch.optim.Adamax`, whose epsilon is added
    to the gradient's size inside the maximum.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.5, epsilon=0.0))
    >>> round(float(weights), 6)
    0.5
    """
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    largest = ops.maximum(s.beta2 * slots[1], ops.abs(gradients) + s.epsilon)
    return weights - s.learning_rate / (1 - s.beta1**step) * mean / largest, (mean, largest)


ADAMAX = Optimizer(
    name="adamax",
    slots=("mean", "largest"),
    settings=("beta1", "beta2", "epsilon"),
    update=update,
    learning_rates=Float(2e-4, 5e-2, log=True),
    default_learning_rate=2e-3,
    reference="Kingma & Ba 2015, Adam: A Method for Stochastic Optimization, section 7.1",
)
