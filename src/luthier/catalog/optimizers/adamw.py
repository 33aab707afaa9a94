"""AdamW: Adam, with decoupled weight decay that the engine applies to kernels."""

from __future__ import annotations

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers import adam
from luthier.catalog.optimizers.optimizer import Optimizer, Settings
from luthier.core import Float


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Take Adam's step; the recipe's `weight_decay` is applied outside, as for every optimizer.

    Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization";
    `torch.optim.AdamW(weight_decay=0)`. What tells it from `adam` is that default spaces and
    baselines give it a weight decay.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.5))
    >>> round(float(weights), 6)
    0.5
    """
    return adam.update(ops, weights, gradients, slots, step, s)


ADAMW = Optimizer(
    name="adamw",
    slots=("mean", "square"),
    settings=("beta1", "beta2", "epsilon"),
    update=update,
    learning_rates=Float(1e-4, 3e-2, log=True),
    default_learning_rate=1e-3,
    reference="Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization",
)
