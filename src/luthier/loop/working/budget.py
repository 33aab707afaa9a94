"""Budgets: how much a study may spend, in time, in epochs and in trials."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from luthier.core import History, LuthierError, Step

# Where a record keeps what was seen before its search, and what that cost.
LOOK, LENGTH = "look", "length"
_SECONDS = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True)
class Budget:
    """What may be spent on a study in all; the first limit reached ends the search.

    Every epoch counts: those of failed and pruned trials, and of earlier runs of the study.

    Args:
        seconds: Time spent searching.
        epochs: Training epochs, over all trials.
        trials: Trials started.
    """

    seconds: float = float("inf")
    epochs: float = float("inf")
    trials: float = float("inf")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read "5m", "600 epochs", "50 trials", or several with commas.

        Raises:
            LuthierError: for anything else.

        >>> Budget.parse("5m, 600 epochs")
        Budget(seconds=300.0, epochs=600, trials=inf)
        """
        budget = cls()
        for part in text.split(","):
            match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", part.lower())
            number, unit = (float(match[1]), match[2]) if match else (0.0, "")
            counted = unit.rstrip("s") in ("epoch", "trial") and number == int(number)
            if number <= 0 or not (unit in _SECONDS or counted):
                raise LuthierError(
                    f"cannot read the budget '{text}'. Write a time, a number of epochs (in all, "
                    "over all trials) or of trials, or several with commas: "
                    '--budget 5m, --budget "600 epochs", --budget "50 trials, 1h".'
                )
            if unit in _SECONDS:
                budget = replace(budget, seconds=number * _SECONDS[unit])
            else:
                budget = replace(budget, **{f"{unit.rstrip('s')}s": int(number)})
        return budget

    @property
    def timed(self) -> bool:
        """Whether time is what it counts.

        >>> Budget.parse("5m").timed
        True
        """
        return self.seconds != float("inf")

    def to_json(self) -> dict[str, float]:
        """Return the limits as plain data.

        >>> Budget.from_json(Budget(epochs=600).to_json())
        Budget(seconds=inf, epochs=600, trials=inf)
        """
        return {name: limit for name, limit in asdict(self).items() if limit != float("inf")}

    @classmethod
    def from_json(cls, data: Mapping[str, float]) -> Budget:
        """Read what `to_json` wrote."""
        return cls(**data)

    def without(self, epochs: float) -> Budget:
        """Return what is left of it after some epochs that no trial trained.

        >>> Budget(epochs=600).without(15)
        Budget(seconds=inf, epochs=585, trials=inf)
        """
        return replace(self, epochs=self.epochs - epochs) if epochs else self

    def left(self, history: History, price: float = 0.0) -> History:
        """Return the history with what is left: of time, as epochs at the pace so far.

        Args:
            history: What was spent.
            price: Seconds that a new structure costs; near the end it is more than it can bring.
        """
        epochs = self.epochs - history.epochs - history.planned
        if self.timed and history.epochs:
            pace = history.seconds / history.epochs
            epochs = min(epochs, (self.seconds - history.seconds) / max(pace, 1e-9))
        if price and self.seconds - history.seconds < 2 * price:
            price = float("inf")
        return replace(
            history,
            setup=price,
            epochs_left=max(epochs, 0.0),
            trials_left=max(self.trials - len(history.trials), 0),
        )

    def spent(self, history: History) -> bool:
        """Tell whether a limit on time or epochs is reached; one on trials lets them end."""
        return history.seconds >= self.seconds or history.epochs >= self.epochs

    def afford(self, steps: Sequence[Step], history: History) -> list[Step]:
        """Return what of some steps the epochs and trials left pay for, the last one shortened.

        >>> Budget(epochs=10).afford([Step(8), Step(8)], History())
        [Step(until=8, trial=None, ...), Step(until=2, trial=None, ...)]
        """
        reached = {trial.number: trial.epochs for trial in history.trials}
        trials = self.trials - len(history.trials)
        epochs = self.epochs - history.epochs - history.planned
        paid = []
        for step in steps:
            copied = 0 if step.parent is None else step.parent[1]
            begin = copied if step.trial is None else reached[step.trial]
            until = int(min(step.until, begin + epochs))
            new = step.trial is None
            if until <= begin or (new and trials < 1):
                continue
            epochs, trials = epochs - (until - begin), trials - new
            paid.append(replace(step, until=until))
        return paid


def looked(about: Mapping[str, Any]) -> int:
    """Return how many epochs' worth of steps were taken before a study's search.

    >>> looked({"look": {"epochs": 15}, "length": {"epochs": 40}}), looked({})
    (55, 0)
    """
    return sum(int(about.get(name, {}).get("epochs", 0)) for name in (LOOK, LENGTH))
