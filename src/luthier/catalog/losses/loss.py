"""What a loss is: one number an example, from outputs and soft targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from luthier.catalog.ops import A, Ops


class PerExample(Protocol):
    """The formula of a loss."""

    def __call__(self, ops: Ops, outputs: A, targets: A, /) -> A:
        """Return one number an example, of shape (n,), from two arrays of shape (n, outputs)."""
        ...


@dataclass(frozen=True)
class Loss:
    """A loss as neutral data.

    Args:
        name: What a recipe calls it.
        kind: ``classification`` or ``regression``.
        per_example: The formula. Targets are floats: of classification, each class's share of
            an example, so that smoothing and mixing happen before.
        reference: The source of the formula.

    >>> from luthier.catalog.losses import by_name
    >>> by_name("mae").kind
    'regression'
    """

    name: str
    kind: str
    per_example: PerExample
    reference: str
