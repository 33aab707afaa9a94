"""RMSProp as Keras computes it: epsilon inside of the root."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.optimizer import Settings
from luthier.catalog.optimizers.rmsprop import RMSPROP


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide by the root of running mean square plus epsilon; `beta2` is what Keras calls rho.

    Source: `keras.optimizers.RMSprop`, whose usual rho is 0.9 and epsilon 1e-7.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, slots = update(numpy_ops, 1.0, 2.0, (0.0,), 1, Settings(0.1, beta2=0.75))
    >>> round(float(weights), 6), slots
    (0.8, (1.0,))
    """
    square = s.beta2 * slots[0] + (1 - s.beta2) * gradients * gradients
    return weights - s.learning_rate * gradients / ops.sqrt(square + s.epsilon), (square,)


KERAS_RMSPROP = replace(RMSPROP, update=update, reference="keras.optimizers.RMSprop")
