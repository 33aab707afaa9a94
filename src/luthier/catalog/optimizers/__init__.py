"""Optimizers: one file each, `torch.optim` is the reference formula; `keras` has Keras' own.

To add one: a file with its `update` and its `Optimizer`, and an entry in `ALL`.
"""

from __future__ import annotations

from luthier.catalog.lookup import lookup
from luthier.catalog.optimizers.adadelta import ADADELTA
from luthier.catalog.optimizers.adagrad import ADAGRAD
from luthier.catalog.optimizers.adam import ADAM
from luthier.catalog.optimizers.adamax import ADAMAX
from luthier.catalog.optimizers.adamw import ADAMW
from luthier.catalog.optimizers.keras import OWN
from luthier.catalog.optimizers.lion import LION
from luthier.catalog.optimizers.momentum import MOMENTUM
from luthier.catalog.optimizers.nadam import NADAM
from luthier.catalog.optimizers.nesterov import NESTEROV
from luthier.catalog.optimizers.optimizer import Optimizer, Settings, Update
from luthier.catalog.optimizers.radam import RADAM
from luthier.catalog.optimizers.rmsprop import RMSPROP
from luthier.catalog.optimizers.sgd import SGD

__all__ = ["ALL", "Optimizer", "Settings", "Update", "by_name"]

ALL: tuple[Optimizer, ...] = (
    SGD,
    MOMENTUM,
    NESTEROV,
    RMSPROP,
    ADAGRAD,
    ADADELTA,
    ADAM,
    ADAMW,
    NADAM,
    RADAM,
    ADAMAX,
    LION,
)


def by_name(name: str, framework: str = "torch") -> Optimizer:
    """Return the optimizer of that name, with the formula of a framework.

    Args:
        name: What a recipe calls it.
        framework: Whose formula: torch or keras.

    Raises:
        RecipeError: for a name that no optimizer has.

    >>> by_name("nesterov").slots
    ('velocity',)
    """
    own = [one for one in OWN if one.name == name] if framework == "keras" else []
    return own[0] if own else lookup(ALL, name, "optimizer")
