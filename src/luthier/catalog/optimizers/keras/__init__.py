"""Where Keras' formula differs: `keras.optimizers` is the reference for Keras networks.

To add one: a file with its `update` and its `Optimizer`, an entry in `OWN`, and what differs in
words, which docs/keras.md shows as a table.
"""

from __future__ import annotations

from collections.abc import Mapping

from luthier.catalog.optimizers.keras.adagrad import KERAS_ADAGRAD
from luthier.catalog.optimizers.keras.adam import KERAS_ADAM, KERAS_ADAMW
from luthier.catalog.optimizers.keras.adamax import KERAS_ADAMAX
from luthier.catalog.optimizers.keras.momentum import KERAS_MOMENTUM, KERAS_NESTEROV
from luthier.catalog.optimizers.keras.nadam import KERAS_NADAM
from luthier.catalog.optimizers.keras.rmsprop import KERAS_RMSPROP
from luthier.catalog.optimizers.optimizer import Optimizer

OWN: tuple[Optimizer, ...] = (
    KERAS_MOMENTUM,
    KERAS_NESTEROV,
    KERAS_RMSPROP,
    KERAS_ADAGRAD,
    KERAS_ADAM,
    KERAS_ADAMW,
    KERAS_NADAM,
    KERAS_ADAMAX,
)

_SUM = "the learning rate is inside of the running sum: when a schedule lowers it, earlier "
_EPSILON = "epsilon is added before the bias correction, so it counts more in early steps"

DIFFERENCES: Mapping[str, str] = {
    "momentum": f"{_SUM}gradients keep the rate that they came with",
    "nesterov": f"{_SUM}gradients keep the rate that they came with",
    "rmsprop": "epsilon is inside of the root",
    "adagrad": "the sum of squares starts at 0.1; epsilon is inside of the root",
    "adam": _EPSILON,
    "adamw": _EPSILON,
    "nadam": "the momentum warms up as 0.96^t, in torch as 0.96^(0.004 t)",
    "adamax": "epsilon is added to the running maximum, in torch to each gradient",
}
