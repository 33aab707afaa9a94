"""AdaMax as Keras computes it: epsilon is added to the maximum."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.adamax import ADAMAX
from luthier.catalog.optimizers.optimizer import Settings


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide the running mean by the decayed maximum of absolute gradients, plus epsilon.

    Source: `keras.optimizers.Adamax`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0), 1, Settings(0.5, epsilon=0.0))
    >>> round(float(weights), 6)
    0.5
    """
    mean = s.beta1 * slots[0] + (1 - s.beta1) * gradients
    largest = ops.maximum(s.beta2 * slots[1], ops.abs(gradients))
    rate = s.learning_rate / (1 - s.beta1**step)
    return weights - rate * mean / (largest + s.epsilon), (mean, largest)


KERAS_ADAMAX = replace(ADAMAX, update=update, reference="keras.optimizers.Adamax")
