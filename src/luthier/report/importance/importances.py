"""Importances: what each parameter had to do with being among the best, chance taken off."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from luthier.core import Categorical, Float, History, Int, Plain, Space, StudyRecord
from luthier.core.space import Conditional
from luthier.report.axis import Axis, axes, value_of
from luthier.report.importance.groups import common_epochs, compared
from luthier.report.importance.isolation import Best, isolation
from luthier.report.importance.ped_anova import divergence

ENOUGH = 16  # trials; below that, ranks explain themselves
# These look at all of a space alike; what others find is seen where they looked.
UNBIASED = ("random", "sobol", "grid")


@dataclass(frozen=True)
class Importances:
    """What mattered in a search.

    Args:
        shares: By parameter, the most important first; they sum to one, or are all 0.
        isolated: By parameter, the best trial of each value.
        trials: How many were compared.
        best: How many of them are the best.
        epochs: After how many epochs.
        biased: Whether the trials are those of a search that looked where it was good.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    isolated: Mapping[str, tuple[Best, ...]] = field(default_factory=dict)
    trials: int = 0
    best: int = 0
    epochs: int = 0
    biased: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "method": "ped_anova",
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "isolation": {
                name: [one.to_json() for one in found] for name, found in self.isolated.items()
            },
            "trials": self.trials,
            "best": self.best,
            "epochs": self.epochs,
            "biased": self.biased,
        }


def importances(record: StudyRecord, history: History) -> Importances:
    """Return what mattered in a study; without shares where there are too few trials."""
    searched, space = history.searched, record.space
    found = axes(space, searched.trials)
    epochs = common_epochs(searched)
    pairs = [(t, loss) for t, loss in compared(searched, epochs) if t.epochs or loss == math.inf]
    shares, best = _shares(space, found, pairs)
    return Importances(
        shares=shares,
        isolated={axis.name: isolation(space, searched, axis) for axis in found},
        trials=len(pairs),
        best=best,
        epochs=epochs,
        biased=record.about.get("strategy") not in UNBIASED,
    )


def _shares(
    space: Space,
    found: Sequence[Axis],
    pairs: Sequence[tuple[Any, float]],
    *,
    tenth: float = 0.1,
    least: int = 5,
    shuffles: int = 20,
) -> tuple[dict[str, float], int]:
    """Return the parameters' shares, and how many trials count as the best.

    Args:
        space: What was searched.
        found: An axis a parameter.
        pairs: Trials, with the losses that they are compared by.
        tenth: Share of them that are the best: the paper's choice.
        least: How many are, at least: fewer agree in something by chance (Optuna's advice).
        shuffles: Orders of the trials drawn at random, which show what chance alone comes to.
    """
    if len(pairs) < ENOUGH:
        return {}, 0
    losses = np.array([loss if loss == loss else math.inf for _, loss in pairs])
    count = max(least, math.ceil(tenth * len(losses)))
    cutoff = np.sort(losses)[count - 1]
    if cutoff == math.inf or np.all(losses == cutoff):
        return {}, 0
    winners = losses <= cutoff
    orders = [winners, *(_shuffled(winners, seed) for seed in range(shuffles))]
    raw: dict[str, float] = {}
    for axis in found:
        cells, ordered = _cells(axis, _domain(space, axis.name))
        places = [axis.place(value_of(space, axis.name, trial.recipe)) for trial, _ in pairs]
        known = np.array([place is not None for place in places])
        taken = np.array([0 if p is None else round(p * (cells - 1)) for p in places])
        if not ordered:
            taken = np.array([0 if p is None else int(p * cells) for p in places])
        values = []
        for order in orders:
            top = taken[order & known]
            enough = len(top) >= 2 and known.sum() > len(top)
            pair = (top.tolist(), taken[known].tolist())
            values.append(divergence(*pair, cells, ordered=ordered) if enough else 0.0)
        raw[axis.name] = max(values[0] - float(np.mean(values[1:])), 0.0)
    total = sum(raw.values())
    shares = {name: value / total if total else 0.0 for name, value in raw.items()}
    return dict(sorted(shares.items(), key=lambda pair: -pair[1])), int(winners.sum())


def _shuffled(winners: Any, seed: int) -> Any:
    return np.random.default_rng(seed).permutation(winners)


def _domain(space: Space, name: str) -> Plain | None:
    domain = space.parameters.get(name)
    if isinstance(domain, Conditional):
        return next(iter(domain.cases.values()))
    return domain


def _cells(axis: Axis, domain: Plain | None, most: int = 50) -> tuple[int, bool]:
    """Return into how many cells an axis is cut, and whether they have an order; as Optuna does."""
    if axis.scale is None or isinstance(domain, Categorical):
        return max(len(axis.choices), 2), False
    if isinstance(domain, Int):
        size = (domain.high - domain.low) // domain.step + 1
        if domain.log:
            size = math.ceil(math.log2(domain.high - domain.low + 1)) + 1
        return min(max(size, 2), most), True
    if domain is None or isinstance(domain, Float):
        return most, True
    return most, True
