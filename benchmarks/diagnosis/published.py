"""What published tools' rules say of the same trainings, written anew from their descriptions.

AUTOTRAINER: Zhang et al., ICSE 2021, thresholds of its ``monitor.py``. UMLAUT: Schoop et al., CHI
2021. SageMaker Debugger: AWS' pages of its built-in rules, defaults. What they read and this
corpus does not hold is left out, which is to their advantage: shares of zero gradients and of
inactive units, accuracy on training rows, text of the network. AUTOTRAINER's accuracy is that of
validation here, and SageMaker's steps are epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

from benchmarks.diagnosis.jobs import Row

Rule = Callable[[Row], set[str]]


def autotrainer(row: Row, *, theta: float = 0.7) -> set[str]:
    """Return AUTOTRAINER's symptoms; it is silent where the best accuracy reaches theta."""
    curves, found = row.run.curves, set()
    accuracy = curves.metrics.get("accuracy", ())
    if accuracy and max(accuracy) >= theta:
        return set()
    norms = [s for name, s in curves.signals.items() if name.startswith("gradient_norm/")]
    for first, last in zip(norms[0], norms[-1], strict=False) if len(norms) > 1 else ():
        ratio = first / last if last else math.inf
        if ratio > 70:
            found.add("exploding gradient")
        if ratio < 1e-3 and first < 1e-4:
            found.add("vanishing gradient")
    loss = curves.train_loss
    if any(not math.isfinite(one) or one >= 1e3 for one in loss):
        found.add("exploding gradient")
    if accuracy:
        late = accuracy[int(0.3 * len(accuracy)) :]
        if late and max(abs(b - a) for a, b in pairwise((*late, late[-1]))) < 0.01:
            found.add("slow convergence")
        if _swings(accuracy, 0.03) >= 0.2 * len(accuracy):
            found.add("oscillating loss")
    return found


def _swings(values: tuple[float, ...], least: float) -> int:
    """Return how many pairs of neighbouring local extrema lie that far apart."""
    extrema = [
        values[i]
        for i in range(1, len(values) - 1)
        if (values[i] - values[i - 1]) * (values[i + 1] - values[i]) < 0
    ]
    return sum(abs(b - a) >= least for a, b in pairwise(extrema))


def umlaut(row: Row) -> set[str]:
    """Return UMLAUT's errors and warnings."""
    curves, recipe, found = row.run.curves, row.run.recipe, set()
    low, high, _ = row.extra["inputs"]
    if low < -1 or high > 1:
        found.add("inputs not normalised")
    if recipe is not None:
        if recipe.learning_rate > 0.01:
            found.add("high learning rate")
        if recipe.learning_rate < 1e-7:
            found.add("low learning rate")
        if (recipe.dropout or 0.0) > 0.5:
            found.add("high dropout")
    if any(not math.isfinite(one) for one in (*curves.train_loss, *curves.val_loss)):
        found.add("nan loss")
    rises = [b > a for a, b in pairwise(curves.val_loss)]
    falls = [b <= a for a, b in pairwise(curves.train_loss)]
    if any(up and down for up, down in zip(rises, falls, strict=False)):
        found.add("possible overfitting")
    accuracy = curves.metrics.get("accuracy", ())
    if accuracy and accuracy[-1] > 0.95:
        found.add("check validation accuracy")
    return found


def sagemaker(row: Row) -> set[str]:
    """Return what SageMaker Debugger's built-in rules raise."""
    curves, found = row.run.curves, set()
    train, val = curves.train_loss, curves.val_loss
    if any(not math.isfinite(one) for one in (*train, *val)):
        found.add("ExplodingTensor")
    if any(v > 1.1 * t for t, v in zip(train, val, strict=False)):
        found.add("Overfit")
    best, since = math.inf, 0
    for one in val:
        best, since = (one, 0) if one < best * 0.9 else (best, since + 1)
        if since > 10:
            found.add("Overtraining")
    if any(b >= 0.999 * a for a, b in zip(train, train[10:], strict=False)):
        found.add("LossNotDecreasing")
    for name, series in curves.signals.items():
        if name.startswith("update_ratio/") and any(one > 10 or one < 1e-8 for one in series):
            found.add("WeightUpdateRatio")
        if name.startswith("gradient_norm/") and any(one < 1e-7 for one in series):
            found.add("VanishingGradient")
    return found


# Which of luthier's problems a tool's words can stand for, read generously.
_TOO_HIGH = ("learning_rate_too_high", "nan_loss", "diverging", "exploding_gradients")
_NO_SIGNAL = ("vanishing_gradients", "dead_units", "saturated_units", "bad_initialisation")
_SLOW = (
    "learning_rate_too_low",
    "slow_convergence",
    "plateau",
    "not_learning",
    "underfitting",
    "too_few_epochs",
)
MEANS: Mapping[str, tuple[str, ...]] = {
    "exploding gradient": (*_TOO_HIGH, "bad_initialisation", "unscaled_inputs"),
    "vanishing gradient": _NO_SIGNAL,
    "slow convergence": (*_SLOW, "over_regularised", "dead_units"),
    "oscillating loss": ("oscillating", "loss_spikes", "late_variance", "learning_rate_too_high"),
    "inputs not normalised": ("unscaled_inputs",),
    "high learning rate": _TOO_HIGH,
    "low learning rate": ("learning_rate_too_low",),
    "high dropout": ("over_regularised",),
    "nan loss": _TOO_HIGH,
    "possible overfitting": ("overfitting", "under_regularised", "too_many_epochs"),
    "check validation accuracy": ("validation_leak", "leaked_rows"),
    "ExplodingTensor": _TOO_HIGH,
    "Overfit": ("overfitting", "under_regularised", "too_many_epochs", "noisy_labels"),
    "Overtraining": ("overfitting", "under_regularised", "too_many_epochs"),
    "LossNotDecreasing": (*_SLOW, "over_regularised", "learning_rate_too_high"),
    "WeightUpdateRatio": ("learning_rate_too_high", "learning_rate_too_low"),
    "VanishingGradient": _NO_SIGNAL,
}


def problems(words: set[str]) -> set[str]:
    """Return luthier's names for what a tool said.

    >>> sorted(problems({"high dropout"}))
    ['over_regularised']
    """
    return {name for word in words for name in MEANS[word]}


ALL: Mapping[str, Rule] = {
    "AUTOTRAINER": autotrainer,
    "UMLAUT": umlaut,
    "SageMaker Debugger": sagemaker,
}
