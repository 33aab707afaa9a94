"""Tables of learning curves: a search proposes a point, and gets the nearest curve that is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """All curves of one task.

    Args:
        name: The task.
        points: Configurations in the unit cube, shape (configurations, dimensions).
        curves: Validation error after each epoch, without noise.
        noise: Standard deviation of what an observation adds.
        choices: Values of the first coordinate, where that is a choice; 0 where it is a number.
        observed: What a training shows, where that is known; else `curves` with noise.
    """

    name: str
    points: Array
    curves: Array
    noise: float = 0.003
    choices: int = 0
    observed: Array | None = None

    @property
    def epochs(self) -> int:
        """Epochs of a full training."""
        return int(self.curves.shape[1])

    @property
    def dimensions(self) -> int:
        """How many coordinates a configuration has."""
        return int(self.points.shape[1])

    def regret(self, value: float) -> float:
        """Return 0 for the table's best value, 1 for the final one of its median configuration."""
        final = self.curves[:, -1]
        best, median = np.nanmin(self.curves), np.median(np.where(np.isnan(final), np.inf, final))
        return float((value - best) / (median - best))


@dataclass(eq=False)
class Session:
    """One search on a table: what it asked for, what it saw, what it spent.

    Args:
        table: The task.
        seed: Decides the noise.
        budget: Epochs that may be spent.

    Attributes:
        spent: Epochs so far.
        trace: (epochs spent, clean value) each time that the lowest observed value fell.
        winner: The configuration of the last of them.
        finished: Those that were trained to their end.
    """

    table: Table
    seed: int
    budget: int
    spent: int = 0
    trace: list[tuple[int, float]] = field(default_factory=list)
    winner: int = -1
    finished: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng([self.seed, 777])
        self._used = np.zeros(len(self.table.points), bool)
        self._lowest = np.inf

    @property
    def over(self) -> bool:
        """Whether the budget is spent."""
        return self.spent >= self.budget

    def start(self, point: Any) -> Training:
        """Return the training of the nearest configuration that was not used yet.

        Its choice is the one asked for, while there is any left of it.
        """
        distance = ((self.table.points - np.asarray(point)) ** 2).sum(1)
        if count := self.table.choices:
            kinds = (self.table.points[:, 0] * count).astype(int)
            distance[kinds != min(int(point[0] * count), count - 1)] += 1e6
        distance[self._used] = np.inf
        row = int(distance.argmin())
        self._used[row] = True
        if self.table.observed is not None:
            return Training(self, row, self.table.observed[row])
        noise = self._rng.normal(0.0, self.table.noise, self.table.epochs)
        return Training(self, row, self.table.curves[row] + noise)

    def saw(self, observed: float, clean: float, row: int) -> None:
        """Count an epoch, and note a new incumbent."""
        self.spent += 1
        if np.isfinite(observed) and observed < self._lowest:
            self._lowest, self.winner = observed, row
            self.trace.append((self.spent, clean))


@dataclass(eq=False)
class Training:
    """One configuration, as far as it was trained."""

    session: Session
    row: int
    observed: Array
    epochs: int = 0

    @property
    def point(self) -> Array:
        """The configuration that stands for what was asked for."""
        return self.session.table.points[self.row]

    def advance(self, until: int) -> None:
        """Train to an epoch; ends early when the budget is spent or the value is no number."""
        while self.epochs < min(until, len(self.observed)) and not self.session.over:
            clean = self.session.table.curves[self.row, self.epochs]
            self.session.saw(self.observed[self.epochs], clean, self.row)
            self.epochs += 1
            if self.epochs == len(self.observed):
                self.session.finished.append(self.row)
            if self.diverged:
                break

    @property
    def values(self) -> tuple[float, ...]:
        """What was observed so far."""
        return tuple(self.observed[: self.epochs].tolist())

    @property
    def diverged(self) -> bool:
        """Whether the last value is no number."""
        return self.epochs > 0 and not np.isfinite(self.observed[self.epochs - 1])


def load(folder: str | Path) -> Iterator[Table]:
    """Return the tables of a folder of ``<family>_<task>.npz``, in the order of their names.

    Each file holds ``unit`` (configurations × dimensions, in [0, 1]) and ``val_error``
    (configurations × epochs).

    Raises:
        SystemExit: where the folder holds none.
    """
    files = sorted(Path(folder).glob("*_*.npz"))
    if not files:
        raise SystemExit(f"no tables of curves in {folder}: see benchmarks/README.md")
    for file in files:
        with np.load(file) as stored:
            yield Table(
                file.stem,
                stored["unit"].astype(np.float64),
                stored["val_error"].astype(np.float64),
            )
