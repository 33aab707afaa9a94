"""What a metric is: one number from outputs and targets, in the units a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


class Formula(Protocol):
    """The formula of a metric."""

    def __call__(self, outputs: Array, targets: Array, weight: Array, /) -> float:
        """Return the metric of finite float64 outputs of shape (n, outputs)."""
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

    >>> from luthier.catalog.metrics import by_name
    >>> by_name("rmse").compute(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    1.4142135623730951
    """

    name: str
    kind: str
    direction: str
    formula: Formula
    reference: str

    def compute(self, outputs: Array, targets: Array, weight: Array | None = None) -> float:
        """Return the metric; not a number where an output is none, or the weights sum to 0.

        Args:
            outputs: Logits of shape (n, classes), or (n, 1) or (n,) for a single logit; or
                predictions in the target's own units, of shape (n, outputs) or (n,).
            targets: Class numbers of shape (n,); or numbers, shaped as the outputs.
            weight: Weight of each row; None where all count the same.
        """
        outputs = np.asarray(outputs, dtype=np.float64)
        targets = np.asarray(targets)
        if outputs.ndim == 1:
            outputs = outputs[:, None]
        if self.kind == "classification":
            targets = targets.reshape(-1).astype(np.int64)
            if outputs.shape[1] == 1:
                outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
        else:
            targets = targets.reshape(outputs.shape).astype(np.float64)
        weights = np.ones(len(outputs)) if weight is None else np.asarray(weight, np.float64)
        if not (np.isfinite(outputs).all() and weights.sum() > 0):
            return float("nan")
        return float(self.formula(outputs, targets, weights))
