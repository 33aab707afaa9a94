"""The metrics of a Keras model, asked about outputs that get every row right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import LossFacts, MetricFacts, OutputFacts
from luthier.frameworks.keras.inspecting.loss_facts import one_hot

Array = NDArray[Any]
# Those whose best value is 1; of areas under curves a few thresholds tell too little.
_PER_ROW = (
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
)
_SHARES = (*_PER_ROW, "Precision", "Recall", "F1Score", "FBetaScore")
_ROWS = 256


def metric_facts(
    model: Any, output: OutputFacts, loss: LossFacts, outputs: Array, target: Array
) -> tuple[MetricFacts, ...]:
    """Return what each compiled metric says of right outputs.

    Args:
        model: The user's.
        output: What its outputs are.
        loss: Tells whether they are logits.
        outputs: Of some rows.
        target: Theirs, as the loss gets them.
    """
    given = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
    truth = None if given is None else _truth(outputs, target)
    right = None if truth is None else _right(output, loss, outputs, truth)
    if truth is None or right is None:
        return ()
    target, right = target[:_ROWS], right[:_ROWS]
    found = [_asked(one, target, right) for one in _listed(given)]
    # Of rows without one of the classes, precision and recall have nothing to tell.
    told = _SHARES if bool((np.ptp(truth[:_ROWS], axis=0) > 0).all()) else _PER_ROW
    return tuple(one for one in found if one is not None and one.kind in told)


def _truth(outputs: Array, target: Array) -> Array | None:
    """Return targets as outputs lie: one-hot rows, or numbers."""
    truth: Array | None = None
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        truth = one_hot(target, outputs.shape[1])
    elif target.size == outputs.size:
        truth = target.reshape(outputs.shape).astype(np.float64)
    return truth if truth is not None and bool(np.isfinite(truth).all()) else None


def _right(output: OutputFacts, loss: LossFacts, outputs: Array, truth: Array) -> Array | None:
    """Return outputs that get every row right, on the scale that the model has."""
    logits = loss.kind in ("cross_entropy", "bce_logits")
    known = logits or loss.kind in ("shares", "bce") or output.op in ("softmax", "sigmoid")
    binary = bool(((truth == 0) | (truth == 1)).all())
    if not known or not binary:
        return truth.astype(outputs.dtype) if loss.kind not in ("other", "kl", "poisson") else None
    # Sure, but not wholly, and not all alike: what looks for equal values, or for the largest
    # alone, is told by that.
    sure = np.random.default_rng(0).uniform(size=truth.shape)
    if logits:
        found = (2 * truth - 1) * (0.1 + 0.3 * sure)
    else:
        found = np.where(truth == 1, 0.55 + 0.4 * sure, 0.05 + 0.4 * sure)
        if output.op == "softmax" and not output.tags:
            found /= found.sum(axis=1, keepdims=True)
            found = 0.55 * truth + 0.45 * found
    return found.astype(outputs.dtype)


def _asked(metric: Any, target: Array, right: Array) -> MetricFacts | None:
    """Return what one metric says; None for one that is not known, or raises."""
    if not isinstance(metric, (str, keras.metrics.Metric)):
        return None
    holder = keras.Sequential(name="luthier")
    try:
        fresh = metric if isinstance(metric, str) else type(metric).from_config(metric.get_config())
        holder.compile(metrics=[fresh])
        asked = holder._compile_metrics
        pair = keras.ops.convert_to_tensor(target), keras.ops.convert_to_tensor(right)
        asked.build(*pair)
        asked.update_state(*pair)
        (name, value), *_ = asked.result().items()
        used = next(one for one in asked.metrics)
    except Exception:
        return None
    kind = type(used).__name__
    if kind == "MeanMetricWrapper" and isinstance(metric, str):  # a function by its name
        kind = "".join(part.title() for part in metric.split("_"))
    if kind not in _SHARES or not type(used).__module__.startswith("keras."):
        return None
    perfect = float(np.mean(keras.ops.convert_to_numpy(value)))
    return MetricFacts(str(name), kind, perfect) if np.isfinite(perfect) else None


def _listed(given: Any) -> Iterable[Any]:
    """Return the metrics of a model's one output."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        return [inner for one in given for inner in _listed(one)]
    return [given]
