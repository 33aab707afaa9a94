"""What a loop logs, a step or an epoch at a time, as one value an epoch."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from luthier.core import Curves, Trace

ROWS = 4096  # of more, neighbours are averaged: a loop may log every step for days
BLOCKS = 50  # where single steps are logged and nothing marks an epoch, it is cut into so many
BLOCK = 8  # steps in a block at least
ALIASES = {
    "loss": "train_loss",
    "training_loss": "train_loss",
    "valid_loss": "val_loss",
    "validation_loss": "val_loss",
    "lr": "learning_rate",
}
_VALIDATED = ("val", "test", "eval", "dev")
SELDOM = 2  # calls with a name that is no epoch's
_LOSSES = ("train_loss", "train_loss_eval", "val_loss", "penalty")


@dataclass
class Row:
    """What one call logged.

    Args:
        step: Steps of the optimizer so far.
        values: By name.
        rate: The rate that the optimizer had.
        epoch: Its number, if the loop told.
    """

    step: int
    values: dict[str, float]
    rate: float
    epoch: float | None = None


@dataclass
class Logbook:
    """Rows, and where epochs end.

    A call ends an epoch if a new number of it says so; or if it has the name that is logged most
    seldom, as validation is beside the loss of each step.

    >>> book = Logbook()
    >>> for step in (10, 20, 30):
    ...     book.add(Row(step, {"train_loss": 10.0 / step}, rate=0.1))
    >>> book.curves(Trace()).train_loss, book.steps_per_epoch()
    ((1.0, 0.5, 0.3333333333333333), 10)
    """

    one_batch: bool = False  # a step is an epoch
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Add what one call logged; training and validation may come one after the other."""
        last = self.rows[-1] if self.rows else None
        same = last is not None and (last.step, last.epoch) == (row.step, row.epoch)
        if last is not None and same and not last.values.keys() & row.values.keys():
            last.values.update(row.values)
            return
        self.rows.append(row)
        if len(self.rows) > ROWS:
            half = len(self.rows) // 2 * 2
            merged = [_merged(self.rows[i : i + 2]) for i in range(0, half, 2)]
            self.rows = [*merged, *self.rows[half:]]

    def epochs(self) -> list[Row]:
        """Return one row an epoch."""
        return [_merged(group) for group in self._groups()]

    def steps_per_epoch(self) -> int | None:
        """Return the usual number of steps between two ends of epochs."""
        ends = [0, *(group[-1].step for group in self._groups())]
        counts = [b - a for a, b in itertools.pairwise(ends) if b > a]
        return round(statistics.median(counts)) if counts else None

    def counts_steps(self) -> bool:
        """Tell whether the loop logs every step, without a word on epochs."""
        return not self.one_batch and _all_steps(self.rows)

    def curves(self, trace: Trace) -> Curves:
        """Return one value an epoch of what was logged, and of what updates did to weights."""
        rows = self.epochs()
        names = dict.fromkeys(name for row in rows for name in row.values)
        found = {n: [row.values.get(n) for row in rows] for n in names}
        series = {n: _filled(v) for n, v in found.items() if v.count(None) <= len(rows) / 2}
        metrics = {n: v for n, v in series.items() if n not in _LOSSES}
        losses = {name: series[name] for name in _LOSSES if name in series}
        rates = tuple(row.rate for row in rows)
        signals = _by_epoch(trace, [row.step for row in rows])
        known = rates if any(map(math.isfinite, rates)) else ()
        return Curves(metrics=metrics, signals=signals, learning_rate=known, **losses)

    def _groups(self) -> list[list[Row]]:
        rows = self.rows
        if any(row.epoch is not None for row in rows):
            ends = [i for i in range(1, len(rows)) if rows[i].epoch != rows[i - 1].epoch]
            groups = _cut(rows, [*ends, len(rows)])
            return groups[:-1] if _unfinished(groups) else groups
        if self.counts_steps():
            size = max(BLOCK, math.ceil(len(rows) / BLOCKS))
            return _cut(rows, range(size, len(rows) + 1, size))
        seldom = _most_seldom(rows)
        return _cut(rows, [i + 1 for i, row in enumerate(rows) if seldom & row.values.keys()])


def _cut(rows: list[Row], ends: Mapping[int, int] | list[int] | range) -> list[list[Row]]:
    """Return the groups that end before the given indices; what comes after the last is open."""
    begins = [0, *ends]
    return [rows[a:b] for a, b in itertools.pairwise(begins) if b > a]


def _all_steps(rows: list[Row]) -> bool:
    """Tell whether all names are logged at every step.

    Nobody validates at every step: where that is logged, the step is an epoch of one batch.
    """
    seldom = _most_seldom(rows)
    if any(name.startswith(_VALIDATED) for name in seldom):
        return False
    at = [row.step for row in rows if seldom & row.values.keys()]
    gaps = [b - a for a, b in itertools.pairwise(at)]
    return len(gaps) >= 2 and statistics.median(gaps) == 1


def _most_seldom(rows: list[Row]) -> set[str]:
    """Return the names that are logged in the fewest calls."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.values:
            counts[name] = counts.get(name, 0) + 1
    often = max(counts.values(), default=0)
    # What is logged once or twice beside many others, as a test at the end, ends no epoch.
    fewest = min((n for n in counts.values() if n > SELDOM or n == often), default=0)
    # A name logged twice as often is of steps; one that is left out now and then is not.
    return {name for name, count in counts.items() if fewest <= count < 2 * fewest}


def _unfinished(groups: list[list[Row]]) -> bool:
    """Tell whether the last epoch still goes on: fewer values or far fewer calls than before."""
    if len(groups) < 2:
        return False
    names, before = (set().union(*(row.values for row in one)) for one in (groups[-1], groups[-2]))
    return bool(before - names) or 2 * len(groups[-1]) < len(groups[-2])


def _filled(values: list[float | None]) -> tuple[float, ...]:
    """Return a series; where an epoch has no value it is the last one: nothing was no number."""
    filled, last = [], math.nan
    for value in values:
        last = last if value is None else value
        filled.append(last)
    return tuple(filled)


def _merged(rows: list[Row]) -> Row:
    names = dict.fromkeys(name for row in rows for name in row.values)
    values = {}
    for name in names:
        found = [row.values[name] for row in rows if name in row.values]
        values[name] = math.fsum(found) / len(found) if all(map(math.isfinite, found)) else math.nan
    return Row(rows[-1].step, values, rows[-1].rate, rows[-1].epoch)


def _by_epoch(trace: Trace, ends: list[int]) -> dict[str, tuple[float, ...]]:
    """Return the median update ratio of each epoch; where no step was sampled, the last known."""
    signals = {}
    for name, series in trace.series.items():
        if not name.startswith("update_ratio/"):
            continue
        values, last, begin = [], math.nan, 0
        for end in ends:
            seen = [
                v
                for s, v in zip(trace.steps, series, strict=True)
                if begin < s <= end and math.isfinite(v)
            ]
            last = statistics.median(seen) if seen else last
            values.append(last)
            begin = end
        signals[name] = tuple(values)
    return signals
