"""RAdam: Adam that is plain momentum until its variance estimate can be trusted."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Take Adam's step, rectified by how many steps the second moment has seen.

    Source: Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond";
    `torch.optim.RAdam`. The choice between both forms is arithmetic, so that `step` may be an
    array that a compiler traces.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.001))
    >>> round(float(weights), 6)
    0.998
    """
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    square = s.beta2 * slots[1] + (1 - s.beta2) * gradients * gradients
    correction = 1 - s.beta2**step
    longest = 2 / (1 - s.beta2) - 1
    length = longest - 2 * step * s.beta2**step / correction
    trusted = (length > 5.0) * 1.0
    above = (length - 4) * (length - 2) * longest
    below = (longest - 4) * (longest - 2) * length
    # Where it is not trusted the ratio may be negative or 0/0; it is then multiplied by zero.
    rectified = (abs(above) / (abs(below) + (1 - trusted))) ** 0.5
    adaptive = correction**0.5 / (ops.sqrt(square) + s.epsilon)
    factor = trusted * rectified * adaptive + (1 - trusted)
    return weights - s.learning_rate / (1 - s.beta1**step) * mean * factor, (mean, square)


RADAM = Optimizer(
    name="radam",
    slots=("mean", "square"),
    settings=("beta1", "beta2", "epsilon"),
    update=update,
    learning_rates=Float(1e-4, 3e-2, log=True),
    default_learning_rate=1e-3,
    reference="Liu et al. 2020, On the Variance of the Adaptive Learning Rate and Beyond",
)
