"""AdaGrad as Keras computes it: the sum starts at 0.1, epsilon inside of the root."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.adagrad import ADAGRAD
from luthier.catalog.optimizers.optimizer import Settings

INITIAL = 0.1  # Keras' initial_accumulator_value; slots start as zeros, so it is added here


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Divide by the root of 0.1, the summed squares, and epsilon.

    Source: `keras.optimizers.Adagrad`, whose usual epsilon is 1e-7.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, slots = update(numpy_ops, 1.0, 3.0, (15.9,), 2, Settings(0.5, epsilon=0.0))
    >>> round(float(weights), 6), slots
    (0.7, (24.9,))
    """
    total = slots[0] + gradients * gradients
    scale = ops.sqrt(total + INITIAL + s.epsilon)
    return weights - s.learning_rate * gradients / scale, (total,)


KERAS_ADAGRAD = replace(ADAGRAD, update=update, reference="keras.optimizers.Adagrad")
