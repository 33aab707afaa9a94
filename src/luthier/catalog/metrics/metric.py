"""What a metric is: one number from outputs and targets, in the units a person reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from luthier.core import IGNORED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


class Formula(Protocol):
    """The formula of a metric."""

    def __call__(self, outputs: Array, targets: Array, weight: Array, /) -> float:
        """Return the metric of finite float64 outputs of shape (n, outputs)."""
        ...


class RowFormula(Protocol):
    """What each row adds to a metric that is a mean."""

    def __call__(self, outputs: Array, targets: Array, /) -> Array:
        """Return a value for each row of finite float64 outputs, or one for each output of it."""
        ...


@dataclass(frozen=True)
class Metric:
    """A metric as neutral data.

    Args:
        name: What a task calls it.
        kind: ``classification`` or ``regression``.
        direction: ``minimize`` or ``maximize`` it.
        formula: Computes it; `compute` prepares its arguments.
        reference: The source of the formula.
        by_row: Where the metric is the weighted mean of a value for each row: that value.
        of_mean: What is done with that mean, such as a square root.

    >>> from luthier.catalog.metrics import by_name
    >>> by_name("rmse").compute(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    1.4142135623730951
    """

    name: str
    kind: str
    direction: str
    formula: Formula
    reference: str
    by_row: RowFormula | None = None
    of_mean: Callable[[Array], Array] = np.asarray

    def compute(self, outputs: Array, targets: Array, weight: Array | None = None) -> float:
        """Return the metric; not a number where an output is none, or the weights sum to 0.

        Args:
            outputs: Logits of shape (n, classes), or (n, 1) or (n,) for a single logit; or
                predictions in the target's own units, of shape (n, outputs) or (n,).
            targets: Class numbers of shape (n,), or (rows, positions...) with n positions in all,
                where `IGNORED` counts nothing; or numbers, shaped as the outputs.
            weight: Weight of each row; None where all count the same.

        >>> from luthier.catalog.metrics import by_name
        >>> tags = np.array([[0, 1], [1, -100]])  # two rows of two positions
        >>> round(by_name("accuracy").compute(np.eye(2)[[0, 0, 1, 1]], tags), 3)
        0.667
        """
        outputs, targets, weights, _ = self._prepared(outputs, targets, weight)
        if not (np.isfinite(outputs).all() and weights.sum() > 0):
            return float("nan")
        return float(self.formula(outputs, targets, weights))

    def without(
        self, outputs: Array, targets: Array, weight: Array | None, parts: Sequence[Array]
    ) -> Array:
        """Return the metric once for each part of the rows, of all rows but those.

        A mean is taken once, and what a part adds to it is taken away again.

        Args:
            outputs: As for `compute`, and so are targets and weights.
            targets: Class numbers, or numbers.
            weight: Weight of each row; None where all count the same.
            parts: Numbers of rows; no row in two of them.

        >>> from luthier.catalog.metrics import by_name
        >>> values = np.array([1.0, 2.0, 6.0])
        >>> by_name("mae").without(values, np.zeros(3), None, [np.array([0]), np.array([2])])
        array([4. , 1.5])
        """
        count = len(targets)
        outputs, targets, weights, row = self._prepared(outputs, targets, weight)
        if self.by_row is None or not np.isfinite(outputs).all():
            left_in, each = np.ones(count, bool), []
            for part in parts:
                left_in[part] = False
                kept = left_in[row]
                each.append(self.compute(outputs[kept], targets[kept], weights[kept]))
                left_in[part] = True
            return np.array(each)
        values = self.by_row(outputs, targets).reshape(len(outputs), -1) * weights[:, None]
        if len(row) != count:  # a row adds what its positions do
            values = np.column_stack([np.bincount(row, column, count) for column in values.T])
            weights = np.bincount(row, weights, count)
        rows = weights.sum() - np.array([weights[part].sum() for part in parts])
        sums = values.sum(axis=0) - np.array([values[part].sum(axis=0) for part in parts])
        rows[rows <= 0] = np.nan
        found: Array = self.of_mean(sums / rows[:, None]).mean(axis=1)
        return found

    def _prepared(
        self, outputs: Array, targets: Array, weight: Array | None
    ) -> tuple[Array, Array, Array, Array]:
        """Return examples as formulas take them, and the row that each belongs to."""
        outputs = np.asarray(outputs, dtype=np.float64)
        targets = np.asarray(targets)
        if outputs.ndim == 1:
            outputs = outputs[:, None]
        count = len(targets)
        weights = np.ones(count) if weight is None else np.asarray(weight, np.float64)
        row = np.arange(count)
        if self.kind != "classification":
            return outputs, targets.reshape(outputs.shape).astype(np.float64), weights, row
        targets = targets.reshape(-1).astype(np.int64)
        if len(targets) > count:
            counted = targets != IGNORED
            row = np.repeat(row, len(targets) // count)[counted]
            outputs, targets, weights = outputs[counted], targets[counted], weights[row]
        if outputs.shape[1] == 1:
            outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        return outputs, targets, weights, row
