"""Predictions as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np


def predictions_csv(
    values: Any, probabilities: Any | None, classes: Sequence[str], files: Sequence[str] = ()
) -> str:
    r"""Return one line a row: the label and each class's probability, or the numbers.

    Of a row with a class at each position, the labels alone, position by position.

    >>> predictions_csv(["a"], [[0.75, 0.25]], ["a", "b"])
    'prediction,probability_a,probability_b\na,0.75,0.25\n'
    >>> predictions_csv([[1.5]], None, [])
    'prediction\n1.5\n'
    >>> predictions_csv([[1.5]], None, [], ["cat.png"])
    'file,prediction\ncat.png,1.5\n'
    """
    several = probabilities is not None and np.ndim(values) > 1
    if several:
        rows = [[str(value) for value in np.ravel(row)] for row in values]
        header = [f"prediction_{i + 1}" for i in range(len(rows[0]) if rows else 1)]
    elif probabilities is not None:
        header = ["prediction", *(f"probability_{name}" for name in classes)]
        rows = [
            [str(value), *(f"{p:.6g}" for p in row)]
            for value, row in zip(values, probabilities, strict=True)
        ]
    else:
        width = len(values[0]) if len(values) else 1
        header = [f"prediction_{i + 1}" for i in range(width)] if width > 1 else ["prediction"]
        rows = [[f"{number:.8g}" for number in row] for row in values]
    if files:
        header = ["file", *header]
        rows = [[file, *row] for file, row in zip(files, rows, strict=True)]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue()


def predictions_json(
    values: Any, probabilities: Any | None, classes: Sequence[str], files: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return one object a row; of a row with a class at each position, lists of labels alone.

    >>> predictions_json([[1.5]], None, [])
    [{'prediction': [1.5]}]
    """
    found: list[dict[str, Any]]
    if probabilities is None:
        found = [{"prediction": [float(number) for number in row]} for row in values]
    elif np.ndim(values) > 1:
        found = [{"prediction": np.asarray(row).tolist()} for row in values]
    else:
        found = [
            {
                "prediction": str(value),
                "probabilities": {n: float(p) for n, p in zip(classes, row, strict=True)},
            }
            for value, row in zip(values, probabilities, strict=True)
        ]
    if not files:
        return found
    return [{"file": file, **row} for file, row in zip(files, found, strict=True)]
