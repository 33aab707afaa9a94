"""What an optimizer is: a pure function from gradients to new weights, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from luthier.catalog.ops import A, Ops
from luthier.core import Float, Recipe


class Settings(NamedTuple):
    """The numbers of one update, named as the recipe keys; numbers or arrays.

    >>> Settings(learning_rate=0.1).momentum
    0.9
    """

    learning_rate: A
    momentum: A = 0.9
    beta1: A = 0.9
    beta2: A = 0.999
    epsilon: A = 1e-8

    @classmethod
    def of(cls, recipe: Recipe, learning_rate: A) -> Settings:
        """Take the settings from a recipe, and this step's learning rate from its schedule.

        >>> Settings.of(Recipe(beta1=0.8), 0.5)[:3]
        (0.5, 0.9, 0.8)
        """
        return cls(learning_rate, recipe.momentum, recipe.beta1, recipe.beta2, recipe.epsilon)


class Update(Protocol):
    """One step of an optimizer on one weight array.

    `step` counts from 1. Nothing is changed in place. The update says nothing of weight decay
    and clipping, which engines apply before it, the same way for every optimizer.
    """

    def __call__(
        self, ops: Ops, weights: A, gradients: A, slots: tuple[A, ...], step: A, s: Settings, /
    ) -> tuple[A, tuple[A, ...]]:
        """Return the new weights and the new slots."""
        ...


@dataclass(frozen=True)
class Optimizer:
    """An optimizer as neutral data.

    Args:
        name: What a recipe calls it.
        slots: Names of the arrays it keeps for each weight array; they start as zeros.
        settings: Recipe keys it reads besides `learning_rate`.
        update: One step.
        learning_rates: Range that is worth searching.
        default_learning_rate: Where a baseline starts.
        reference: The source of the formula.
        defaults: Usual values of settings where they are not the recipe's defaults.

    >>> from luthier.catalog.optimizers import by_name
    >>> by_name("adadelta").settings, by_name("adadelta").defaults
    (('beta2', 'epsilon'), {'beta2': 0.9, 'epsilon': 1e-06})
    """

    name: str
    slots: tuple[str, ...]
    settings: tuple[str, ...]
    update: Update
    learning_rates: Float
    default_learning_rate: float
    reference: str
    defaults: Mapping[str, float] = field(default_factory=dict)

    def start(self, ops: Ops, weights: A) -> tuple[A, ...]:
        """Return the slots of a weight array before its first step: zeros.

        >>> from luthier.catalog.ops_numpy import numpy_ops
        >>> from luthier.catalog.optimizers import by_name
        >>> len(by_name("adam").start(numpy_ops, 1.0))
        2
        """
        return tuple(ops.zeros_like(weights) for _ in self.slots)

    @property
    def usual(self) -> dict[str, float]:
        """The changes that switch a recipe over to this optimizer, apart from its name.

        >>> from luthier.catalog.optimizers import by_name
        >>> by_name("lion").usual
        {'learning_rate': 0.0003, 'beta1': 0.9, 'beta2': 0.99}
        """
        plain = Settings(self.default_learning_rate)._asdict()
        return {
            "learning_rate": self.default_learning_rate,
            **{name: self.defaults.get(name, plain[name]) for name in self.settings},
        }
