"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float

MOMENTUM_DECAY = 4e-3


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Take Adam's step with a momentum that looks one step ahead and warms up.

    Source: Dozat 2016, "Incorporating Nesterov Momentum into Adam"; `torch.optim.NAdam` with
    its momentum decay of 0.004. The slot `warm` holds one minus the product of all momenta so
    far, so that it starts at zero as every slot does.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, slots = update(numpy_ops, 1.0, 2.0, (0.0, 0.0, 0.0), 1, Settings(0.001))
    >>> round(float(weights), 6), [round(slot, 4) for slot in slots]
    (0.998944, [0.2, 0.004, 0.5499])
    """
    now = _momentum(s.beta1, step)
    ahead = _momentum(s.beta1, step + 1)
    warm = 1 - (1 - slots[2]) * now
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    square = s.beta2 * slots[1] + (1 - s.beta2) * gradients * gradients
    scale = ops.sqrt(square / (1 - s.beta2**step)) + s.epsilon
    direction = (1 - now) / warm * gradients + ahead / (1 - (1 - warm) * ahead) * mean
    return weights - s.learning_rate * direction / scale, (mean, square, warm)


def _momentum(beta1: A, step: A) -> A:
    return beta1 * (1 - 0.5 * 0.96 ** (step * MOMENTUM_DECAY))


NADAM = Optimizer(
    name="nadam",
    slots=("mean", "square", "warm"),
    settings=("beta1", "beta2", "epsilon"),
    update=update,
    learning_rates=Float(1e-4, 3e-2, log=True),
    default_learning_rate=1e-3,
    reference="Dozat 2016, Incorporating Nesterov Momentum into Adam",
)
