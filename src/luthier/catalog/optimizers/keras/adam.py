"""Adam as Keras computes it: epsilon is added before the bias correction."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.adam import ADAM
from luthier.catalog.optimizers.adamw import ADAMW
from luthier.catalog.optimizers.optimizer import Settings


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along the ratio of both moments; the correction is a factor of the rate alone.

    So epsilon counts the more, the earlier the step. Source: Kingma & Ba 2015, end of section 2
    ("epsilon hat"); `keras.optimizers.Adam`, whose usual epsilon is 1e-7.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.5))
    >>> round(float(weights), 6)
    0.5
    """
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    square = s.beta2 * slots[1] + (1 - s.beta2) * gradients * gradients
    rate = s.learning_rate * (1 - s.beta2**step) ** 0.5 / (1 - s.beta1**step)
    return weights - rate * mean / (ops.sqrt(square) + s.epsilon), (mean, square)


KERAS_ADAM = replace(ADAM, update=update, reference="keras.optimizers.Adam")
KERAS_ADAMW = replace(ADAMW, update=update, reference="keras.optimizers.AdamW")
