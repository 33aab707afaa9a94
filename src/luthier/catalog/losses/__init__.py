"""Losses: one file each; and what happens to targets before.

To add one: a file with its `per_example` and its `Loss`, and an entry in `ALL`.
"""

from __future__ import annotations

from luthier.catalog.lookup import lookup
from luthier.catalog.losses.binary_cross_entropy import BINARY_CROSS_ENTROPY
from luthier.catalog.losses.cross_entropy import CROSS_ENTROPY
from luthier.catalog.losses.huber import HUBER
from luthier.catalog.losses.loss import Loss, PerExample
from luthier.catalog.losses.mae import MAE
from luthier.catalog.losses.mse import MSE
from luthier.catalog.losses.targets import mix, mixup_share, smooth, soft_targets

__all__ = [
    "ALL",
    "Loss",
    "PerExample",
    "by_name",
    "default",
    "mix",
    "mixup_share",
    "smooth",
    "soft_targets",
]

ALL: tuple[Loss, ...] = (CROSS_ENTROPY, BINARY_CROSS_ENTROPY, MSE, MAE, HUBER)


def by_name(name: str) -> Loss:
    """Return the loss of that name.

    Raises:
        RecipeError: for a name that no loss has.

    >>> by_name("huber").kind
    'regression'
    """
    return lookup(ALL, name, "loss")


def default(kind: str, outputs: int) -> str:
    """Return the loss that fits a task and the number of the network's outputs.

    Args:
        kind: ``classification`` or ``regression``.
        outputs: Columns of the network's output; a classifier with one gives a single logit.

    >>> default("classification", 10), default("classification", 1), default("regression", 1)
    ('cross_entropy', 'binary_cross_entropy', 'mse')
    """
    if kind == "regression":
        return "mse"
    return "binary_cross_entropy" if outputs == 1 else "cross_entropy"
