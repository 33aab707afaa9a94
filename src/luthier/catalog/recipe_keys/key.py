"""What a recipe key is: its range, its default, and the reason for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from luthier.catalog import families
from luthier.core import Recipe


@dataclass(frozen=True)
class Key:
    """One key of a recipe.

    Args:
        name: The field of `Recipe`.
        kind: ``number``, ``integer``, ``numbers``, ``choice``, ``batch_size``, ``network``,
            ``model`` or ``changes``.
        doc: What it decides.
        reason: Why its default is what it is.
        low, high: Bounds of a number.
        above, below: Whether the lower, the upper bound itself is left out.
        choices: What a choice may be.
        nullable: Whether null is a value, which means "not used" or "as the network was built".

    >>> Key("dropout", "number", "", "", high=1.0, below=True, nullable=True).takes
    'a number from 0 to below 1, or null'
    """

    name: str
    kind: str
    doc: str
    reason: str
    low: float = 0.0
    high: float = math.inf
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()
    nullable: bool = False

    @property
    def default(self) -> Any:
        """The value of a recipe that does not name the key."""
        return getattr(Recipe(), self.name)

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        low = f"above {self.low:g}" if self.above else f"from {self.low:g}"
        high = "" if self.high == math.inf else f" to {'below ' * self.below}{self.high:g}"
        text = {
            "number": f"a number {low}{high}",
            "integer": f"a whole number {low}{high}",
            "numbers": "increasing numbers between 0 and 1",
            "batch_size": 'a whole number from 1, or "full"',
            "network": f"{', '.join(f.name for f in families.ALL)}, or FILE.py:function",
            "model": "a mapping of the builder's arguments to plain values",
            "changes": "a list of {after: EPOCH, KEY: VALUE}, epochs rising",
            "choice": f"one of {', '.join(self.choices)}",
        }[self.kind]
        return f"{text}, or null" if self.nullable else text

    @property
    def example(self) -> str:
        """A line that is right."""
        examples = {
            "loss": "cross_entropy",
            "dropout": "0.1",
            "initialiser": "kaiming_normal",
            "clip_norm": "1.0",
            "ema": "0.99",
            "early_stopping": "10",
            "class_weight": "balanced",
            "milestones": "[0.5, 0.75]",
            "model": "{width: 128}",
            "changes": "[{after: 20, learning_rate: 0.001}]",
        }
        return f"{self.name}: {examples.get(self.name, self.default)}"


def names(members: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the names of a family's members."""
    return tuple(member.name for member in members)
