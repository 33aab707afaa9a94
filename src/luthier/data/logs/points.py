"""Rows to curves: one point an epoch, whatever was logged when."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.core import Curves, DataError
from luthier.data.logs.format import Log, Row, Rows
from luthier.data.logs.names import Columns, columns_of

SPARSE = 0.2  # share of points without a validation above which points are made longer
FEW = 4  # epochs; with fewer, and more rows than that, each logged row is a point
_MISSING = ("", "na", "n/a", "none", "null", "-", "--")  # Keras' CSVLogger writes NA
_LAST = {"learning_rate", "epoch", "step"}  # the end of an epoch counts, and not its mean


def log_of(rows: Rows, given: Mapping[str, str], what: str) -> Log:
    """Return the curves that rows hold.

    Args:
        rows: One for each moment at which something was logged.
        given: Columns that the user named: ours to theirs.
        what: What a message calls the log.
    """
    if not rows:
        raise DataError(
            f"{what} holds no row. A log has one for each epoch. Give another, or train first."
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    numeric = [name for name in names if any(_number(row.get(name)) is not None for row in rows)]
    columns = columns_of(numeric, given, what, texts=[n for n in names if n not in numeric])
    chosen = {**columns.roles, **columns.metrics}
    numbers = [_numbers(row, chosen, index, what) for index, row in enumerate(rows, 1)]
    numbers = [row for row in numbers if set(row) - {"epoch", "step", "seconds", "learning_rate"}]
    notes = [f"read {columns.said}"] if columns.said else []
    kept, about = _one_run(numbers)
    points, cut = _points(kept)
    points, longer = _validated(points)
    notes += [*about, *cut, *longer]
    if len(points) < 3:
        notes.append(f"{len(points)} epoch{'s' * (len(points) > 1)}: most rules need five or more")
    facts = {"adversarial": True} if columns.adversarial else {}
    return Log(_curves(points, columns), tuple(notes), facts)


def _number(value: Any) -> float | None:
    """Return a number that a field holds; None for a text.

    >>> _number("0.5"), _number("NaN"), _number("93 %"), _number("best")
    (0.5, nan, 0.93, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    share = text.endswith("%")
    try:
        return float(text.removesuffix("%")) / (100.0 if share else 1.0)
    except ValueError:
        return None


def _numbers(row: Row, chosen: Mapping[str, str], index: int, what: str) -> dict[str, float]:
    found = {}
    for ours, theirs in chosen.items():
        if theirs not in row or str(row[theirs]).strip().lower() in _MISSING:
            continue
        value = _number(row[theirs])
        if value is None:
            raise DataError(
                f"row {index} of {what} has {row[theirs]!r} as '{theirs}', which is no number. "
                f"A column of a log holds numbers. Repair the row, or name another column with "
                f"--map {ours}=COLUMN."
            )
        found[ours] = value
    return found


def _one_run(rows: list[dict[str, float]]) -> tuple[list[dict[str, float]], list[str]]:
    """Keep one run: the last one of several; after a resume, what was trained again."""
    key = "epoch" if any("epoch" in row for row in rows) else "step"
    notes: list[str] = []
    kept: list[dict[str, float]] = []
    for number, row in enumerate(rows, 1):
        here, last = row.get(key), next((r[key] for r in reversed(kept) if key in r), None)
        if here is not None and last is not None and here < last:
            first = next(r[key] for r in kept if key in r)
            if here <= first:
                notes = [f"holds several runs: the last one, from row {number} on, is read"]
                kept = []
            else:
                notes = [*notes, f"goes back to {key} {here:g}: what was trained again counts"]
                kept = [r for r in kept if r.get(key, -math.inf) < here]
        kept.append(row)
    return kept, notes


def _points(rows: list[dict[str, float]]) -> tuple[list[dict[str, float]], list[str]]:
    """Put rows of one epoch together; of a run of few epochs, each logged row is a point."""
    places = [row["epoch"] for row in rows if "epoch" in row]
    whole = all(place == int(place) for place in places if math.isfinite(place))
    groups: dict[float, list[dict[str, float]]] = {}
    place = 0.0
    for row in rows:
        place = row.get("epoch", place)
        # Epochs that are counted with fractions are over when the next whole number is reached.
        groups.setdefault(place if whole else math.ceil(place - 1e-9), []).append(row)
    if not places:
        groups = {float(i): [row] for i, row in enumerate(_by_step(rows))}
    losses = sum("train_loss" in row for row in rows)
    if places and len(groups) < FEW and losses > 2 * FEW:
        rows = _by_step(rows)
        return rows, [f"{len(groups)} epochs in {len(rows)} rows: each row counts as a point"]
    return [_merged(group) for group in groups.values()], []


def _by_step(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Put rows of the same step together: losses of two parts are often logged one by one."""
    groups: dict[float, list[dict[str, float]]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.get("step", -1.0 - index), []).append(row)
    return [_merged(group) for group in groups.values()]


def _merged(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return one row: means, but of what counts at the end the last one."""
    merged: dict[str, float] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if name in row]
        if name in _LAST or not math.isfinite(values[-1]):
            merged[name] = values[-1]
        else:
            finite = [value for value in values if math.isfinite(value)]
            merged[name] = sum(finite) / len(finite)
    return merged


def _validated(points: list[dict[str, float]]) -> tuple[list[dict[str, float]], list[str]]:
    """Make points as long as the time between validations, where those are seldom."""
    checked = [i for i, row in enumerate(points) if "val_loss" in row]
    if len(checked) < FEW or len(checked) > (1 - SPARSE) * len(points):
        return points, []
    edges = [0, *(i + 1 for i in checked), len(points)]
    groups = [points[a:b] for a, b in itertools.pairwise(edges)]
    every = len(points) / len(checked)
    note = f"validated every {every:.3g} points: where it says epoch, read validation"
    return [_merged(group) for group in groups if group], [note]


def _curves(points: list[dict[str, float]], columns: Columns) -> Curves:
    series = {
        name: _filled([row.get(name) for row in points])
        for name in (*columns.roles, *columns.metrics)
    }
    metrics = {name: series[name] for name in columns.metrics}
    signals = {name: series[name] for name in ("gradient_norm",) if name in series}
    kept = set(columns.roles) - {"epoch", "step", "gradient_norm"}
    plain: dict[str, Any] = {name: series[name] for name in kept}
    return Curves(metrics=metrics, signals=signals, **plain)


def _filled(values: list[float | None]) -> tuple[float, ...]:
    """Fill single gaps with the mean of their neighbours; what is missing at the end was not run.

    >>> _filled([1.0, None, 3.0, None])
    (1.0, 2.0, 3.0)
    """
    known = [index for index, value in enumerate(values) if value is not None]
    filled = []
    for index in range(known[-1] + 1 if known else 0):
        before = max((k for k in known if k <= index), default=known[0])
        after = min(k for k in known if k >= index)
        a, b = values[before], values[after]
        share = (index - before) / (after - before) if after > before else 0.0
        filled.append(math.nan if a is None or b is None else a + share * (b - a))
    return tuple(filled)
