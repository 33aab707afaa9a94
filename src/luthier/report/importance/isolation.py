"""Isolation: the best trial of each value of a parameter, whatever else differed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.core import History, Space, Trial, Value
from luthier.report.axis import Axis, value_of
from luthier.report.importance.groups import bin_of, bins_for


@dataclass(frozen=True)
class Best:
    """The best trial of a value, or of a part of a range.

    Args:
        value: What it had.
        place: Where that lies on the parameter's axis, in [0, 1].
        score: Its score.
        trial: Its number.
        trials: How many there were of that value or part.
    """

    value: Value
    place: float
    score: float
    trial: int
    trials: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "value": self.value,
            "score": self.score,
            "trial": self.trial,
            "trials": self.trials,
        }


def isolation(
    space: Space, history: History, axis: Axis, trials: Sequence[Trial] | None = None
) -> tuple[Best, ...]:
    """Return the best trial of each value, or of each part of a range, in the order of the axis.

    Args:
        space: What was searched.
        history: Says which score is better.
        axis: The parameter's.
        trials: Those that count; by default all with a score.
    """
    scored = [t for t in history.trials if history.loss(t) != math.inf]
    counted = scored if trials is None else trials
    bins = bins_for(len(counted)) if axis.scale else len(axis.choices)
    groups: dict[int | None, list[tuple[float, float, Trial]]] = {}
    for trial in counted:
        place = axis.place(value_of(space, axis.name, trial.recipe))
        if place is not None:
            one = (history.loss(trial), place, trial)
            groups.setdefault(bin_of(place, bins), []).append(one)
    found = []
    for group in groups.values():
        _, place, trial = min(group, key=lambda one: (one[0], one[2].number))
        value = value_of(space, axis.name, trial.recipe)
        found.append(Best(value, place, history.score(trial) or 0.0, trial.number, len(group)))
    return tuple(sorted(found, key=lambda one: one.place))
