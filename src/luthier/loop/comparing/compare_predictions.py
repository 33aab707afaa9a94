"""Compare two sets of predictions by row: what any library wrote, in any language."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.catalog import metrics
from luthier.core import DataError, Verdict
from luthier.data.measure import choose_metric
from luthier.loop.comparing.sides import ARRAYS, files_of, is_prediction, name_of
from luthier.proof import METHOD, judge, judge_rows
from luthier.proof.pseudovalues import blocks, pseudovalues
from luthier.report.comparison import Compared, Side
from luthier.storage import connect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

OF_ROWS = "paired t-test over rows; interval by a bootstrap of rows"
_FEW = 20  # different whole numbers that still look like classes
_SURE = 1e-15  # the least probability: scikit-learn's log_loss clips there, too


def compare_predictions(
    a: Any,
    b: Any,
    truth: Any,
    *,
    target: str | None,
    task: str | None,
    metric: str | None,
    min_difference: float | None,
    cost: str,
    storage: str,
) -> Compared:
    """Judge predictions by the scores of their rows.

    Raises:
        DataError: where rows do not match, or the truth is not known.
    """
    sides = [[_read(one) for one in _each(side)] for side in (a, b)]
    known = _truth(truth, target, [one for side in sides for one in side])
    classes = _classes(known, sides, task)
    kind = "regression" if classes is None else "classification"
    goal = _goal(kind, known, sides, metric)
    named = metrics.by_name(goal)
    tables = []
    for side in sides:
        rows = [_outputs(one, classes, len(known)) for one in side]
        tables.append(
            np.array([_contributions(named, one, _codes(known, classes)) for one in rows])
        )
    one, other = tables
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise DataError("a score is no number: some predictions are missing, or none at all.")
    digest = hashlib.sha256(repr(known.tolist()).encode()).hexdigest()[:16]
    opened = connect(storage).opened(digest, "compare predictions")
    sign = 1.0 if named.direction == "maximize" else -1.0
    verdict = _judge(sign * one, sign * other, min_difference)
    alone = verdict.seed_interval is None
    names = _names(a, b)
    note = (
        "each was trained once, so this is a verdict on these two trained networks, not on how "
        "they were made: give several files of each, from trainings with different seeds"
    )
    return Compared(
        kind="predictions",
        metric=goal,
        direction=named.direction,
        a=Side(names[0], tuple(one.mean(axis=1).tolist())),
        b=Side(names[1], tuple(other.mean(axis=1).tolist())),
        verdict=verdict,
        cost=cost,
        openings=opened,
        method=OF_ROWS if alone else METHOD,
        notes=(note,) if alone else (),
    )


def _judge(one: Array, other: Array, margin: float | None) -> Verdict:
    if min(len(one), len(other)) < 2:
        return judge_rows(one.mean(axis=0), other.mean(axis=0), min_difference=margin)
    return judge(one, other, min_difference=margin)


def _contributions(named: metrics.Metric, outputs: Array, truth: Array) -> Array:
    without = named.without(outputs, truth, None, blocks(np.arange(len(truth))))
    return pseudovalues(named.compute(outputs, truth), without)


def _names(a: Any, b: Any) -> tuple[str, str]:
    one, other = name_of(a, "A"), name_of(b, "B")
    return (one, other) if one != other else ("A", "B")


def _each(side: Any) -> list[Any]:
    """Return the sets of predictions of one side."""
    if isinstance(side, (list, tuple)) and side and isinstance(side[0], (int, float)):
        return [np.asarray(side)]
    if isinstance(side, np.ndarray):
        return list(side) if side.ndim == 3 else [side]
    return files_of(side)


def _read(one: Any) -> dict[str, Array]:
    """Return columns by name; an array is one of predictions, or one of probabilities."""
    if isinstance(one, (str, Path)):
        path = Path(one)
        if path.suffix.lower() in ARRAYS:
            loaded = np.load(path, allow_pickle=False)
            if path.suffix.lower() == ".npz":
                return {name: loaded[name] for name in loaded.files}
            return _read(loaded)
        return _columns(path)
    values = np.asarray(one)
    if values.ndim == 2 and values.shape[1] > 1:
        return {f"probability_{i}": values[:, i] for i in range(values.shape[1])}
    return {"prediction": values.reshape(len(values))}


def _columns(path: Path) -> dict[str, Array]:
    from luthier.data.tables import open_table, table_format

    frame = open_table(path, table_format(path), 2**32)
    return {name: frame[name].to_numpy() for name in frame.columns}


def _truth(truth: Any, target: str | None, columns: list[dict[str, Array]]) -> Array:
    """Return what was to be predicted, one a row.

    Raises:
        DataError: where nobody says.
    """
    if truth is not None and not isinstance(truth, (str, Path)):
        return np.asarray(truth).reshape(-1)
    if truth is not None:
        columns = [_read(truth)]
    name = target or "target"
    for one in columns:
        if name in one:
            return np.asarray(one[name]).reshape(-1)
    raise DataError(
        f"no column '{name}' says what was to be predicted. It stands in a file of predictions, "
        "or in a table with as many rows. Write --target COLUMN, with --data TABLE if need be."
    )


def _classes(truth: Array, sides: list[list[dict[str, Array]]], task: str | None) -> Any:
    """Return the sorted labels, or None where numbers are predicted."""
    if task == "regression":
        return None
    first = sides[0][0]
    odds = any(name.startswith("probability_") for name in first)
    texts = truth.dtype.kind not in "fiu"
    values = np.unique(truth.astype(str) if texts else truth)
    whole = not texts and bool(np.all(np.equal(np.mod(values, 1), 0))) and len(values) <= _FEW
    if whole and not odds and "prediction" in first:
        given = np.asarray(first["prediction"])
        whole = given.dtype.kind in "fiu" and bool(np.isin(given, values).all())
    if task == "classification" or odds or texts or whole:
        return values
    return None


def _codes(truth: Array, classes: Any) -> Array:
    if classes is None:
        return truth.astype(np.float64)
    texts = truth.astype(str) if classes.dtype.kind == "U" else truth
    return np.searchsorted(classes, texts)


def _goal(kind: str, truth: Array, sides: list[list[dict[str, Array]]], metric: str | None) -> str:
    """Return the metric that decides: labels without probabilities have no log-loss.

    Raises:
        DataError: for a metric that these predictions do not allow.
    """
    counts = np.unique(truth, return_counts=True)[1]
    name, _, shown = choose_metric(kind, counts, metric)
    odds = all(any(n.startswith("probability_") for n in one) for side in sides for one in side)
    if kind == "classification" and not odds and "log_loss" in name:
        if metric is not None:
            raise DataError(
                f"{metric} needs the probability of each class, and there are labels alone. Give "
                "columns probability_LABEL, or take --metric accuracy."
            )
        return shown[0]
    return name


def _outputs(one: dict[str, Array], classes: Any, rows: int) -> Array:
    """Return what a metric takes: logits, or numbers.

    Raises:
        DataError: where a column is missing, or rows are.
    """
    if classes is None:
        found = _column(one, "prediction").astype(np.float64)[:, None]
    else:
        odds = [f"probability_{label}" for label in classes]
        if all(name in one for name in odds):
            found = np.column_stack([one[name] for name in odds]).astype(np.float64)
        elif any(name.startswith("probability_") for name in one):
            given = [name for name in one if name.startswith("probability_")]
            if len(given) != len(classes):
                raise DataError(
                    f"there are {len(given)} columns of probabilities, and {len(classes)} "
                    f"classes: {', '.join(map(str, classes))}. Name them probability_LABEL."
                )
            found = np.column_stack([one[name] for name in given]).astype(np.float64)
        else:
            labels = _column(one, "prediction")
            texts = labels.astype(str) if classes.dtype.kind == "U" else labels
            found = (texts[:, None] == classes[None, :]).astype(np.float64)
        found = np.log(np.clip(found, _SURE, 1.0))
    if len(found) != rows:
        raise DataError(
            f"there are {len(found)} predictions for {rows} rows. Both are in the same order, one "
            "for each. Predict the rows that the truth is known of."
        )
    return found


def _column(one: dict[str, Array], name: str) -> Array:
    if name in one:
        return np.asarray(one[name])
    others = [other for other in one if is_prediction(other)]
    raise DataError(
        f"no column '{name}' in {', '.join(one) or 'nothing'}. Predictions are a column "
        f"'prediction', or probability_LABEL for each class{'; ' if others else ''}"
        f"{', '.join(others)}. Name it so."
    )
