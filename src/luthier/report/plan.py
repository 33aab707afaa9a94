"""A plan for few trials, as text and as plain data."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any


@dataclass(frozen=True)
class Stage:
    """One thing that a plan does.

    Args:
        name: In a word.
        trials: That it takes; none where single steps are enough.
        what: In a sentence.
    """

    name: str
    trials: int
    what: str


@dataclass(frozen=True)
class Outline:
    """What a plan says before anything is trained.

    Args:
        study: Its name.
        trials: In all.
        epochs: Of a trial.
        updates: Of an epoch.
        stages: In their order.
        shows: The smallest difference that it could show, in standard deviations between seeds.
    """

    study: str
    trials: int
    epochs: int
    updates: int
    stages: tuple[Stage, ...]
    shows: float

    def __str__(self) -> str:
        """Return the plan to read.

        >>> print(Outline("a", 6, 9, 33, (Stage("rate", 4, "the rate alone"),), 5.4))
        plan      6 trials of 9 epochs for a, an epoch of 33 updates
                  rate       4 trials  the rate alone
                  can show   a difference of 5.4 times the spread between seeds, or a larger one
        """
        lines = [
            f"{'plan':10}{self.trials} trials of {self.epochs} epochs for {self.study}, "
            f"an epoch of {self.updates:,} updates"
        ]
        for stage in self.stages:
            count = f"{stage.trials} trial{'s' * (stage.trials != 1)}" if stage.trials else ""
            first = f"{'':10}{stage.name:<11}{count:<10}"
            lines += textwrap.wrap(
                stage.what, 110, initial_indent=first, subsequent_indent=" " * len(first)
            )
        if isfinite(self.shows):
            lines.append(
                f"{'':10}{'can show':<11}a difference of {self.shows:.2g} times the spread between "
                "seeds, or a larger one"
            )
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)
