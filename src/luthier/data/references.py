"""What needs no network: a linear model and boosted trees on the same rows, from scikit-learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import Arrays, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

LINEAR, TREES = "linear", "trees"
_SURE = 1e-15  # the least probability: scikit-learn's log_loss clips there, too


@dataclass(frozen=True, eq=False)
class Reference:
    """A model that was fitted with scikit-learn's defaults.

    Args:
        name: ``linear`` or ``trees``.
        outputs: Gives what a network would: logits, or targets in the network's scale.
        seconds: That fitting took.
    """

    name: str
    outputs: Callable[[Part], Array]
    seconds: float


def fit_references(
    arrays: Arrays, *, seed: int = 0, rows: int = 20_000, classes: int = 50
) -> list[Reference]:
    """Fit a linear model and gradient-boosted trees to the training part of a table.

    Logistic regression or ridge, and scikit-learn's histogram gradient boosting, both untuned:
    what a network should beat before it is worth its trouble. Rows that are no tables have none.

    Args:
        arrays: The prepared parts.
        seed: Of the trees.
        rows: Of more, a sample is fitted: enough to know what such models reach, in seconds.
        classes: With more, trees take longer than they tell: each is fitted for every class.
    """
    task, train = arrays.task, arrays.train
    if len(task.input_shape) != 1 or task.positions or not _numbers(train):
        return []
    rng = np.random.default_rng(seed)
    chosen = np.arange(len(train))
    if len(train) > rows:
        chosen = np.sort(rng.choice(len(train), rows, replace=False))
    balanced = "balanced" if task.metric.startswith("balanced") else None
    found = [_fitted(LINEAR, _linear(task.kind, balanced), arrays, chosen)]
    if task.n_outputs <= classes:
        trees = _trees(task.kind, task.n_outputs, balanced, seed)
        found.append(_fitted(TREES, trees, arrays, chosen))
    return found


def _numbers(part: Part) -> bool:
    """Tell whether inputs are plain numbers: codes of categories mean nothing as such."""
    return len(part.inputs) == 1 and part.inputs[0].dtype.kind == "f"


def _linear(kind: str, balanced: str | None) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    if kind == "classification":
        return LogisticRegression(max_iter=1000, class_weight=balanced)
    return Ridge()


def _trees(kind: str, outputs: int, balanced: str | None, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.multioutput import MultiOutputRegressor

    if kind == "classification":
        return HistGradientBoostingClassifier(random_state=seed, class_weight=balanced)
    one = HistGradientBoostingRegressor(random_state=seed)
    return one if outputs == 1 else MultiOutputRegressor(one)


def _fitted(name: str, model: Any, arrays: Arrays, chosen: Array) -> Reference:
    task, train = arrays.task, arrays.train
    target = train.target[chosen]
    if task.kind == "regression" and target.shape[1] == 1:
        target = target[:, 0]
    weight = None if train.weight is None else train.weight[chosen]
    began = time.perf_counter()
    model.fit(train.inputs[0][chosen], target, sample_weight=weight)
    seconds = time.perf_counter() - began

    def outputs(part: Part) -> Array:
        inputs = part.inputs[0]
        if task.kind == "regression":
            values: Array = np.asarray(model.predict(inputs), np.float64).reshape(len(inputs), -1)
            return values
        # A class that training never saw has no column of its own.
        odds = np.zeros((len(inputs), task.n_outputs))
        odds[:, model.classes_] = model.predict_proba(inputs)
        logits: Array = np.log(np.clip(odds, _SURE, 1.0))
        return logits

    return Reference(name, outputs, seconds)
