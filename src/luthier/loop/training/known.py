"""What is known of the engines on a study's networks, in a form that can go to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luthier.core import Signature


@dataclass(frozen=True)
class Known:
    """What one process has found out, and another one need not.

    Args:
        chosen: The engine's name, by structure.
        prices: Seconds that it took to choose, each time.
        steps: Of plain training that were timed.
        seconds: That they took.
        spent: Seconds of plain training, by structure that was not compiled yet.
        gains: Seconds of an epoch of those that were, and in plain training.
        refused: Why something trains in plain training.
    """

    chosen: Mapping[Signature, str] = field(default_factory=dict)
    prices: tuple[float, ...] = ()
    steps: int = 0
    seconds: float = 0.0
    spent: Mapping[Signature, float] = field(default_factory=dict)
    gains: tuple[tuple[float, float], ...] = ()
    refused: tuple[str, ...] = ()

    def merge(self, other: Known) -> Known:
        """Return what both know; who was told of it and tells it again adds nothing.

        Where two have chosen for the same structure, the first choice stands.

        >>> mine, theirs = Known(prices=(0.3,), steps=1), Known(refused=("too short",))
        >>> both = mine.merge(theirs)
        >>> both.prices, both.refused, both.merge(theirs) == both
        ((0.3,), ('too short',), True)
        """
        longer = max(self, other, key=lambda one: one.steps)
        spent = {**self.spent}
        for structure, seconds in other.spent.items():
            spent[structure] = max(seconds, spent.get(structure, 0.0))
        return Known(
            chosen={**other.chosen, **self.chosen},
            prices=max(self.prices, other.prices, key=len),
            steps=longer.steps,
            seconds=longer.seconds,
            spent=spent,
            gains=max(self.gains, other.gains, key=len),
            refused=tuple(dict.fromkeys((*self.refused, *other.refused))),
        )
