"""A count of steps that everyone who watches reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class Clock:
    """Counts the steps of all watched optimizers together.

    >>> clock = Clock()
    >>> clock.hands = [lambda: 3, lambda: 4]
    >>> clock.steps
    7
    """

    def __init__(self) -> None:
        self.hands: Sequence[Callable[[], int]] = ()  # what each optimizer counts, when asked

    @property
    def steps(self) -> int:
        """So far."""
        return sum(hand() for hand in self.hands)
