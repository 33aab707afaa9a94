"""Curves: what one training showed, one value an epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

Series = tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """One series an epoch of each quantity that was observed; an empty one was not.

    Args:
        train_loss: Mean data loss over the epoch's batches, without penalties.
        train_loss_eval: Data loss in evaluation mode on a fixed sample of the training part.
        penalty: Mean L1 and L2 penalty over the epoch's batches.
        val_loss: Data loss on the validation part.
        metrics: Metrics on the validation part, by name.
        learning_rate: Learning rate of the epoch's last step.
        signals: What is measured inside the network, by name such as ``gradient_norm``.
        seconds: Time that the epoch took.

    >>> (Curves(val_loss=(1.0, 0.5)) + Curves(val_loss=(0.4,))).val_loss
    (1.0, 0.5, 0.4)
    """

    train_loss: Series = ()
    train_loss_eval: Series = ()
    penalty: Series = ()
    val_loss: Series = ()
    metrics: Mapping[str, Series] = field(default_factory=dict)
    learning_rate: Series = ()
    signals: Mapping[str, Series] = field(default_factory=dict)
    seconds: Series = ()

    def __len__(self) -> int:
        return self._length

    @cached_property
    def _length(self) -> int:
        # Histories ask every trial for it at every decision.
        lengths = [len(getattr(self, name)) for name in _SERIES]
        return max([*lengths, *map(len, self.metrics.values()), *map(len, self.signals.values())])

    def __add__(self, later: Curves) -> Curves:
        counts = len(self), len(later)
        if 0 in counts:
            return self if counts[0] else later

        def joined(parts: tuple[Series, Series]) -> Series:
            short = (count - len(part) for part, count in zip(parts, counts, strict=True))
            first, second = (p + (math.nan,) * n for p, n in zip(parts, short, strict=True))
            return first + second if any(parts) else ()

        series = {name: joined((getattr(self, name), getattr(later, name))) for name in _SERIES}
        metrics, signals = (
            {name: joined((old.get(name, ()), new.get(name, ()))) for name in {**old, **new}}
            for old, new in ((self.metrics, later.metrics), (self.signals, later.signals))
        )
        return Curves(metrics=metrics, signals=signals, **series)

    def epochs(self) -> list[dict[str, Any]]:
        """Return every epoch's values, as `epoch` does."""
        return [self.epoch(index) for index in range(len(self))]

    def epoch(self, index: int) -> dict[str, Any]:
        """Return the values of one epoch, counted from 0, as plain data.

        >>> Curves(val_loss=(1.0, 0.5), metrics={"accuracy": (0.1, 0.6)}).epoch(1)
        {'val_loss': 0.5, 'metrics': {'accuracy': 0.6}, 'signals': {}}
        """
        row: dict[str, Any] = {
            name: series[index] for name in _SERIES if len(series := getattr(self, name)) > index
        }
        row["metrics"] = {k: v[index] for k, v in self.metrics.items() if len(v) > index}
        row["signals"] = {k: v[index] for k, v in self.signals.items() if len(v) > index}
        return row

    @classmethod
    def from_epochs(cls, rows: Sequence[Mapping[str, Any]]) -> Curves:
        """Build curves from what `epoch` returned, one row an epoch; gaps become NaN.

        >>> Curves.from_epochs([{"val_loss": 1.0}, {"metrics": {"f1": 0.5}}]).metrics
        {'f1': (nan, 0.5)}
        """
        columns = _columns(rows)
        return cls(
            metrics=_columns([row.get("metrics", {}) for row in rows]),
            signals=_columns([row.get("signals", {}) for row in rows]),
            **{name: columns[name] for name in _SERIES if name in columns},
        )

    def upto(self, epochs: int) -> Curves:
        """Return the first epochs alone."""
        return Curves.from_epochs(self.epochs()[:epochs])

    def best_epoch(self, metric: str, direction: str, within: int | None = None) -> int | None:
        """Return the epoch, counted from 1, with the best finite value; the first among equals.

        Args:
            metric: Name of the metric.
            direction: ``minimize`` or ``maximize``.
            within: Look at so many first epochs alone; by default at all.

        >>> curves = Curves(metrics={"accuracy": (0.1, 0.6, 0.6, 0.7)})
        >>> curves.best_epoch("accuracy", "maximize"), curves.best_epoch("accuracy", "maximize", 3)
        (4, 2)
        """
        bests = self._bests_of(metric, direction)
        seen = bests if within is None else bests[: max(within, 0)]
        return seen[-1] if seen else None

    def score(self, metric: str, direction: str, within: int | None = None) -> float | None:
        """Return the best finite value of a metric, or None where there is none."""
        best = self.best_epoch(metric, direction, within)
        return None if best is None else self.metrics[metric][best - 1]

    def steady(self, metric: str, direction: str, *, share: float = 1 / 16) -> float | None:
        """Return a metric at its best epoch as the epochs around it have it, or None.

        The best of many epochs is lucky, the more so the noisier a curve is: a constant rate
        looks better than the default on digits by its best epoch, and is worse on other rows. A
        straight line through the epochs around it is not, and follows a curve that still falls.

        Args:
            metric: Name of the metric.
            direction: ``minimize`` or ``maximize``.
            share: Of the epochs, on each side of the best one. Between a sixteenth and a quarter
                it hardly matters (docs/adr/0010-steady-scores.md); below 16 epochs it is none.

        >>> noisy = Curves(metrics={"rmse": (3.0, 2.0, 2.4, 1.0, 2.6, 2.0, 2.2)})
        >>> noisy.steady("rmse", "minimize", share=1 / 7), noisy.score("rmse", "minimize")
        (2.0, 1.0)
        >>> falling = Curves(metrics={"rmse": (4.0, 3.0, 2.0, 1.0)})
        >>> falling.steady("rmse", "minimize", share=1 / 2)
        1.0
        """
        best = self.best_epoch(metric, direction)
        if best is None:
            return None
        values, reach = self.metrics[metric], int(share * len(self))
        near = range(max(1, best - reach), min(len(values), best + reach) + 1)
        points = [(e, values[e - 1]) for e in near if math.isfinite(values[e - 1])]
        epoch = math.fsum(e for e, _ in points) / len(points)
        mean = math.fsum(value for _, value in points) / len(points)
        spread = math.fsum((e - epoch) ** 2 for e, _ in points)
        rise = math.fsum((e - epoch) * (value - mean) for e, value in points)
        return mean + (rise / spread * (best - epoch) if spread else 0.0)

    def _bests_of(self, metric: str, direction: str) -> tuple[int | None, ...]:
        """Return after each epoch which one was the best so far."""
        key = (metric, direction)
        if key not in self._bests:
            sign = 1.0 if direction == "minimize" else -1.0
            best: int | None = None
            bests: list[int | None] = []
            lowest = math.inf
            for epoch, value in enumerate(self.metrics.get(metric, ()), start=1):
                if math.isfinite(value) and sign * value < lowest:
                    best, lowest = epoch, sign * value
                bests.append(best)
            self._bests[key] = tuple(bests)
        return self._bests[key]

    @cached_property
    def _bests(self) -> dict[tuple[str, str], tuple[int | None, ...]]:
        return {}

    @property
    def finite(self) -> bool:
        """Whether the last epoch's losses are numbers."""
        last = [series[-1] for series in (self.train_loss, self.val_loss) if series]
        return all(math.isfinite(value) for value in last)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as columns, by name in the order in which names occur.

    Histories are read from rows all the time, and mostly all rows have the same names.
    """
    names: dict[str, None] = {}
    for row in rows:
        if row.keys() != names.keys():
            names |= dict.fromkeys(row)
    try:
        return {name: tuple([row[name] for row in rows]) for name in names}
    except KeyError:
        return {name: tuple([row.get(name, math.nan) for row in rows]) for name in names}


_SERIES = tuple(f.name for f in fields(Curves) if f.name not in {"metrics", "signals"})
