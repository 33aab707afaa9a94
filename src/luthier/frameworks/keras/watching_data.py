"""What the rows of a `fit` tell: the loss of guessing, their order, how they were split."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.loss_names import LossName
from luthier.frameworks.keras.watching_fit import Fit

Array = NDArray[Any]
ROWS = 100_000  # that are looked at
BATCHES = 200  # whose labels are compared
_ENTROPIES = ("cross_entropy", "shares")
_BINARY = ("bce", "bce_logits")


def array_of(value: Any) -> Array | None:
    """Return rows that can be looked at again as an array; None for what is drawn as it is read.

    A data set or a generator may draw random numbers when it is read: that would change training.
    """
    if isinstance(value, np.ndarray):
        return value
    if keras.ops.is_tensor(value):
        return np.asarray(keras.ops.convert_to_numpy(value))
    if type(value).__module__.partition(".")[0] in ("pandas", "polars"):
        return np.asarray(value)
    return None


def facts_of_rows(fit: Fit, loss: LossName, outputs: tuple[int, ...]) -> dict[str, Any]:
    """Return facts of a training's rows, by the names that rules read.

    Args:
        fit: What `fit` was called with.
        loss: What is minimised.
        outputs: Shape of one row of outputs.
    """
    target = array_of(fit.y)
    facts: dict[str, Any] = {}
    if target is None or not target.size:
        guess = math.log(outputs[-1]) if loss.kind in _ENTROPIES and outputs else None
        return {"loss_of_guessing": guess} if guess and fit.class_weight is None else {}
    labels = _labels(target, outputs)
    weight = _mean_weight(fit, labels)
    guess = _guess(loss, target, outputs)
    if guess is not None and weight is not None and loss.reduction == "sum_over_batch_size":
        facts["loss_of_guessing"] = guess * weight
    if labels is not None and not fit.shuffle:
        facts |= _agreement(labels, fit.batch_size or 32)
    val = fit.validation_data
    checked = array_of(val[1]) if isinstance(val, (tuple, list)) and len(val) > 1 else None
    if checked is not None and checked.size:
        facts |= _split(target, checked, labels, outputs, fit.validation_split)
    return facts


def _labels(target: Array, outputs: tuple[int, ...]) -> Array | None:
    """Return one class a row; None where targets are no classes."""
    if target.dtype.kind in "iub" and target.size == len(target):
        return target.reshape(-1)
    flat = target.reshape(len(target), -1)
    if outputs and flat.shape[1] == outputs[-1] > 1:
        some = flat[:: max(len(flat) // 1000, 1)]
        hot = bool(((some == 0) | (some == 1)).all() and (some.sum(axis=1) == 1).all())
        return np.asarray(flat.argmax(axis=1)) if hot else None
    if flat.shape[1] == 1:
        some = flat[:: max(len(flat) // 1000, 1)]
        if bool((some == some.astype(np.int64)).all()) and len(np.unique(some)) <= 100:
            return flat.reshape(-1).astype(np.int64)
    return None


def _guess(loss: LossName, target: Array, outputs: tuple[int, ...]) -> float | None:
    """Return the loss of a network that has learnt nothing."""
    if loss.settings.get("label_smoothing"):
        return math.log(outputs[-1]) if loss.kind in _ENTROPIES and outputs else None
    if loss.kind in _ENTROPIES and outputs and outputs[-1] > 1:
        return math.log(outputs[-1])
    if loss.kind in _BINARY:
        return math.log(2.0) if bool((target != target.reshape(-1)[0]).any()) else None
    if loss.kind == "mse" and len(target) > 1 and target.dtype.kind in "fiu":
        spread = float(_some(target).astype(np.float64).var(axis=0).mean())
        return spread if spread > 0.0 else None
    return None


def _mean_weight(fit: Fit, labels: Array | None) -> float | None:
    """Return what rows weigh in the mean: Keras divides by their number, not by their weights."""
    if fit.sample_weight is not None:
        given = array_of(fit.sample_weight)
        return float(given.mean()) if given is not None and given.size else None
    if not isinstance(fit.class_weight, dict):
        return 1.0
    if labels is None:
        return None
    names, counts = np.unique(labels, return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return math.fsum(float(fit.class_weight.get(k, 1.0)) * n for k, n in pairs) / len(labels)


def _agreement(labels: Array, size: int) -> dict[str, float]:
    """Return how often two rows share their label: within a batch, and any two."""
    _, counts = np.unique(_some(labels), return_counts=True)
    shares = counts / counts.sum()
    starts = range(0, len(labels) - size + 1, size)
    chosen = [starts[i] for i in range(0, len(starts), max(len(starts) // BATCHES, 1))]
    within = []
    for start in chosen:
        _, found = np.unique(labels[start : start + size], return_counts=True)
        within.append(float((found * (found - 1)).sum()) / max(size * (size - 1), 1))
    if not within or size < 2:
        return {}
    return {
        "label_agreement": float((shares**2).sum()),
        "label_agreement_within_batches": math.fsum(within) / len(within),
    }


def _split(
    target: Array, checked: Array, labels: Array | None, outputs: tuple[int, ...], share: float
) -> dict[str, Any]:
    """Return how the validation part differs from the training part in its targets."""
    facts: dict[str, Any] = {"validation_split": share, "val_rows": len(checked)}
    others = _labels(checked, outputs)
    if labels is not None and others is not None:
        here, _ = np.unique(labels, return_counts=True)
        there, counts = np.unique(others, return_counts=True)
        lacking = ~np.isin(there, here)
        facts["missing_classes"] = tuple(str(one) for one in there[lacking].tolist())
        facts["missing_share"] = float(counts[lacking].sum() / counts.sum())
        facts["train_classes"] = len(here)
    elif target.dtype.kind == "f" and len(target) > 8 and len(checked) > 8:
        a, b = (_some(one).astype(np.float64).reshape(-1) for one in (target, checked))
        spread = float(a.std())
        if spread > 0.0:
            facts["target_shift"] = abs(float(b.mean() - a.mean())) / spread
    return facts


def _some(values: Array) -> Array:
    return values[:: max(math.ceil(len(values) / ROWS), 1)]
