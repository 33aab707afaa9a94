"""What the runs come to: regret and rank by epochs spent, with intervals over tasks and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

Array = NDArray[np.float64]
BUDGETS = (5, 10, 20, 50)  # in full trainings
DRAWS = 2000


@dataclass(frozen=True)
class Run:
    """One search: its regret after each full training's worth of epochs, from 0 to the budget."""

    task: str
    method: str
    seed: int
    regret: tuple[float, ...]
    cpu: float = 0.0
    steps: int = 0

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Run:
        """Read a line of the file of results."""
        return cls(**{**row, "regret": tuple(row["regret"])})


@dataclass(frozen=True, eq=False)
class Results:
    """All runs that every method has, by (task, seed).

    Args:
        methods: Names.
        tasks: Name of each row's task.
        regret: Shape (methods, rows, points of time).
        grain: Points of time in one full training.
    """

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    regret: Array
    grain: int

    @classmethod
    def of(cls, runs: Iterable[Run], methods: Iterable[str], grain: int) -> Results:
        """Keep the tasks and seeds that all of the methods have."""
        wanted = tuple(methods)
        found = {(run.method, run.task, run.seed): run.regret for run in runs}
        pairs = sorted({(task, seed) for _, task, seed in found})
        rows = [p for p in pairs if all((method, *p) in found for method in wanted)]
        regret = np.array([[found[method, *row] for row in rows] for method in wanted])
        return cls(wanted, tuple(task for task, _ in rows), regret, grain)

    def at(self, budget: float) -> Array:
        """Return regrets, shape (methods, rows), after so many full trainings."""
        return self.regret[:, :, round(budget * self.grain)]

    def ranks(self, budget: float) -> Array:
        """Return the methods' ranks in each row, 1 for the best."""
        return np.asarray(rankdata(self.at(budget), axis=0))

    def interval(self, value: Callable[[Array], Array], seed: int = 0) -> Array:
        """Return the 95 % interval of a function of rows, bootstrapped over tasks, then seeds."""
        rng = np.random.default_rng(seed)
        names = np.array(self.tasks)
        rows_of = [np.flatnonzero(names == task) for task in dict.fromkeys(self.tasks)]
        drawn = []
        for _ in range(DRAWS):
            tasks = rng.integers(len(rows_of), size=len(rows_of))
            rows = [rng.choice(rows_of[task], len(rows_of[task])) for task in tasks]
            drawn.append(value(np.concatenate(rows)))
        ends = [0.025, 0.975]  # values that were drawn: between one and infinity lies no number
        return np.asarray(np.nanquantile(np.array(drawn), ends, axis=0, method="nearest"))

    def until(self, method: int, rows: NDArray[Any], level: float) -> float:
        """Return after how many full trainings a method's mean regret stays at or below a level."""
        mean = self.regret[method][rows].mean(axis=0)
        above = np.flatnonzero(mean > level + 1e-9)  # its own level, however it was summed up
        after = int(above[-1]) + 1 if len(above) else 0
        return after / self.grain if after < len(mean) else np.inf


def worse_than_random(results: Results, method: str, budget: float) -> dict[str, float]:
    """Return by task the p-value, after Holm, that a method is worse than random search.

    Wilcoxon's signed-rank test over the seeds, one-sided.
    """
    one, other = (results.at(budget)[results.methods.index(name)] for name in (method, "random"))
    names = np.array(results.tasks)
    raw = {}
    for task in dict.fromkeys(results.tasks):
        difference = (one - other)[names == task]
        raw[task] = 1.0 if not difference.any() else wilcoxon(difference, alternative="greater")[1]
    adjusted, highest = {}, 0.0
    for place, task in enumerate(sorted(raw, key=raw.__getitem__)):
        highest = max(highest, min(1.0, (len(raw) - place) * raw[task]))
        adjusted[task] = highest
    return adjusted
