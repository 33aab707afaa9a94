"""NAdam as Keras computes it: the momentum warms up within a hundred steps, not thousands."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.nadam import NADAM
from luthier.catalog.optimizers.optimizer import Settings


def update(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Take Adam's step with a momentum that looks one step ahead, 0.96 to the power of the step.

    Source: `keras.optimizers.Nadam`; torch takes 0.96 to the power of 0.004 steps.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = update(numpy_ops, 1.0, 2.0, (0.0, 0.0, 0.0), 1, Settings(0.001))
    >>> round(float(weights), 6)
    0.998937
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
    return beta1 * (1 - 0.5 * 0.96**step)


KERAS_NADAM = replace(NADAM, update=update, reference="keras.optimizers.Nadam")
