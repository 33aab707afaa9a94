"""Momentum as Keras computes it: the learning rate is inside of the running sum."""

from __future__ import annotations

from dataclasses import replace

from luthier.catalog.ops import A, Ops
from luthier.catalog.optimizers.momentum import MOMENTUM
from luthier.catalog.optimizers.nesterov import NESTEROV
from luthier.catalog.optimizers.optimizer import Settings


def heavy_ball(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along a running sum of past steps: v <- m v - lr g, w <- w + v.

    At a constant rate that is torch's; when a schedule lowers the rate, earlier gradients go on
    with the rate that they came with. Source: `keras.optimizers.SGD(momentum=...)`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = heavy_ball(numpy_ops, 1.0, 0.5, (-0.1,), 2, Settings(0.1, momentum=0.5))
    >>> round(weights, 6)
    0.9
    """
    velocity = s.momentum * slots[0] - s.learning_rate * gradients
    return weights + velocity, (velocity,)


def looking_ahead(
    ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
) -> tuple[A, tuple[A, ...]]:
    """Step along a running sum of past steps that looks one step ahead.

    Source: `keras.optimizers.SGD(momentum=..., nesterov=True)`.

    >>> from luthier.catalog.ops_numpy import numpy_ops
    >>> weights, _ = looking_ahead(numpy_ops, 1.0, 0.5, (-0.1,), 2, Settings(0.1, momentum=0.5))
    >>> round(weights, 6)
    0.9
    """
    velocity = s.momentum * slots[0] - s.learning_rate * gradients
    return weights + s.momentum * velocity - s.learning_rate * gradients, (velocity,)


KERAS_MOMENTUM = replace(MOMENTUM, update=heavy_ball, reference="keras.optimizers.SGD(momentum)")
KERAS_NESTEROV = replace(NESTEROV, update=looking_ahead, reference="keras.optimizers.SGD(nesterov)")
