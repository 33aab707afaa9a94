"""A count of steps that everyone who watches reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Clock:
    """Counts the steps of all watched optimizers together.

    Args:
        steps: So far.
    """

    steps: int = 0
