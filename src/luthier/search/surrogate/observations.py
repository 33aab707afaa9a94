"""What the curves of a history say, on a scale that outliers and failures do not bend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from luthier.core import History, Trial

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """A curve's level at one epoch.

    Args:
        trial: The trial's number.
        epoch: Counted from 1.
        loss: Lower is better; infinite for a trial that failed.
    """

    trial: int
    epoch: int
    loss: float


def level(history: History, trial: Trial, epoch: int, *, share: float = 0.25) -> float:
    """Return the mean loss over the last epochs up to one; infinite for a failed trial.

    A minimum would favour noisy curves, a single value be noisier than need be.

    Args:
        history: Says which metric decides, and its direction.
        trial: Whose curve.
        epoch: Up to which, counted from 1; at most the trial's epochs.
        share: Of the epochs up to there, the last ones that count.

    >>> from luthier.core import Curves, Recipe
    >>> curves = Curves(metrics={"val_loss": (4.0, 3.0, 2.0, 1.0)})
    >>> level(History(), Trial(0, Recipe(), 0, curves=curves), 4, share=0.5)
    1.5
    """
    values = trial.curves.metrics.get(history.metric, ())[:epoch]
    if trial.state == "failed" or not values:
        return math.inf
    last = values[-max(1, int(share * epoch)) :]
    mean = math.fsum(last) / len(last)
    if not math.isfinite(mean):
        return math.inf
    return mean if history.direction == "minimize" else -mean


def observations(
    history: History, rungs: Sequence[int], *, each: int = 3, most: int = 320
) -> list[Observation]:
    """Return each curve's level at the last rungs that it reached, the most telling first.

    Args:
        history: The trials so far.
        rungs: Epochs at which trials are compared.
        each: Values of one curve; older ones add nothing to what the later say.
        most: Values in all, since time grows with the third power: those of trials that went
            beyond the second rung, then of the best of the others.
    """
    third = rungs[min(2, len(rungs) - 1)]
    tried = [t for t in history.trials if t.epochs or t.state == "failed"]
    now = {t.number: level(history, t, t.epochs) for t in tried}
    tried.sort(key=lambda t: (-min(t.epochs, third), now[t.number], t.number))
    found: list[Observation] = []
    for trial in tried:
        reached = [rung for rung in rungs if rung <= trial.epochs][-each:]
        if now[trial.number] == math.inf:
            reached = reached[-1:] or [max(trial.epochs, 1)]
        elif not reached or trial.epochs >= 1.25 * reached[-1]:
            reached = [*reached, trial.epochs][-each:]  # a budget had cut it short
        if len(found) + len(reached) > most:
            break
        found += [Observation(trial.number, e, level(history, trial, e)) for e in reached]
    return found


@dataclass(frozen=True)
class Scale:
    """A monotone map of losses to numbers of mean about 0 and scale about 1.

    Better than the median, it is linear; worse, logarithmic, and bounded: how bad the bad are says
    little of where the good lie, and a failure counts as the worst.

    Args:
        middle: The median.
        unit: From the best tenth to the median.
        mean: Of the mapped losses.
        deviation: Their standard deviation.
    """

    middle: float
    unit: float
    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, ends: Sequence[float], losses: Sequence[float]) -> Scale:
        """Return the scale of a study.

        Args:
            ends: The last loss of each trial: they decide median and unit.
            losses: Those that shall have mean 0 and scale 1.

        >>> Scale.of((1.0, 2.0, 3.0, float("inf")), (1.0, 2.0, 3.0)).unit.__round__(2)
        0.8
        """
        finite = np.array([loss for loss in ends if math.isfinite(loss)])
        if not len(finite):
            return cls(0.0, 1.0)
        tenth, middle = np.quantile(finite, [0.1, 0.5])
        unit = max(middle - tenth, 1e-9 * max(1.0, abs(middle)))
        raw = cls(float(middle), float(unit))
        mapped = raw(np.array(losses, float))
        return cls(raw.middle, raw.unit, float(mapped.mean()), float(mapped.std() + 1e-9))

    def __call__(self, losses: Array) -> Array:
        """Return the mapped losses."""
        places = (np.where(np.isfinite(losses), losses, np.inf) - self.middle) / self.unit
        places = np.where(places > 0, np.log1p(np.clip(places, 0, 20)), places)
        return np.asarray((places - self.mean) / self.deviation)
