"""One cause, one finding: what a cause explains becomes its consequence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache

from luthier.core import SEVERITIES, Finding

# What brings about what. A rate that is too high ends in NaN, and a NaN never in a rate; so the
# table has no rings, and the first name of a chain is the one to act on.
_HARDLY_LEARNS = (
    "bad_initialisation",
    "vanishing_gradients",
    "learning_rate_out_of_range",
    "learning_rate_too_high",
    "learning_rate_too_low",
    "optimizer_settings",
    "over_regularised",
    "cannot_overfit_one_batch",
)
_WRONG_END = ("unscaled_inputs", "unscaled_targets", *_HARDLY_LEARNS)
_ENDS_BADLY = (
    "exploding_gradients",
    "dead_units",
    "saturated_units",
    "diverging",
    "nan_loss",
    "oscillating",
    "not_learning",
    "plateau",
    "slow_convergence",
    "underfitting",
    "too_few_epochs",
    *_WRONG_END,
)
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "nonfinite_data": _ENDS_BADLY,
    "label_range": ("wrong_loss", "wrong_metric", "wrong_output_activation", *_ENDS_BADLY),
    "output_shape": ("wrong_loss", "wrong_metric", "wrong_output_activation", *_ENDS_BADLY),
    "double_softmax": ("wrong_metric", "wrong_output_activation", "wrong_loss", *_ENDS_BADLY),
    "wrong_output_activation": ("wrong_metric", "wrong_loss", *_ENDS_BADLY),
    "wrong_loss": ("wrong_metric", *_ENDS_BADLY),
    "unscaled_inputs": (
        "unscaled_targets",
        "exploding_gradients",
        "dead_units",
        "saturated_units",
        "diverging",
        "nan_loss",
        "not_learning",
        "plateau",
        *_HARDLY_LEARNS,
    ),
    "unscaled_targets": _HARDLY_LEARNS,
    "bad_initialisation": (
        "over_regularised",
        "oscillating",
        "loss_spikes",
        "not_learning",
        "slow_convergence",
        "too_few_epochs",
        "plateau",
        "underfitting",
        "vanishing_gradients",
        "learning_rate_too_high",
        "learning_rate_too_low",
        "cannot_overfit_one_batch",
    ),
    "learning_rate_out_of_range": (
        "learning_rate_too_high",
        "learning_rate_too_low",
        "bad_initialisation",
    ),
    "optimizer_settings": ("learning_rate_too_high",),
    "wrong_gradient_sign": (
        "diverging",
        "nan_loss",
        "not_learning",
        "exploding_gradients",
        "wrong_output_activation",
        "wrong_loss",
        *_WRONG_END,
    ),
    "gradients_not_zeroed": (
        "learning_rate_too_high",
        "diverging",
        "nan_loss",
        "oscillating",
        "loss_spikes",
        "exploding_gradients",
        "not_learning",
    ),
    "parameters_not_trained": (
        "not_learning",
        "underfitting",
        "plateau",
        "slow_convergence",
        "too_few_epochs",
        *_WRONG_END,
    ),
    "schedule_not_applied": ("late_variance", "oscillating", "learning_rate_too_high"),
    "schedule_collapses": (
        "learning_rate_too_low",
        "not_learning",
        "slow_convergence",
        "too_few_epochs",
        "underfitting",
        "plateau",
    ),
    "split_mismatch": (
        "overfitting",
        "under_regularised",
        "too_many_epochs",
        "noisy_labels",
    ),
    "learning_rate_too_high": (
        "exploding_gradients",
        "dead_units",
        "saturated_units",
        "vanishing_gradients",
        "diverging",
        "nan_loss",
        "oscillating",
        "loss_spikes",
        "late_variance",
        "not_learning",
        "plateau",
        "underfitting",
    ),
    "batch_too_small": ("oscillating", "loss_spikes", "late_variance"),
    "unshuffled_data": (
        "oscillating",
        "loss_spikes",
        "late_variance",
        "not_learning",
        "plateau",
        "slow_convergence",
    ),
    "evaluation_in_train_mode": ("late_variance",),
    "exploding_gradients": ("diverging", "nan_loss", "loss_spikes", "oscillating"),
    "diverging": ("nan_loss", "oscillating", "loss_spikes", "late_variance"),
    "oscillating": ("loss_spikes", "late_variance"),
    "loss_spikes": ("late_variance",),
    "over_regularised": (
        "batch_too_large",
        "diverging",
        "oscillating",
        "loss_spikes",
        "late_variance",
        "vanishing_gradients",
        "not_learning",
        "underfitting",
        "plateau",
    ),
    "learning_rate_too_low": (
        "batch_too_large",
        "not_learning",
        "slow_convergence",
        "too_few_epochs",
        "underfitting",
        "plateau",
    ),
    "batch_too_large": (
        "not_learning",
        "slow_convergence",
        "too_few_epochs",
        "underfitting",
    ),
    "vanishing_gradients": (
        "cannot_overfit_one_batch",
        "learning_rate_too_low",
        "not_learning",
        "slow_convergence",
        "plateau",
        "underfitting",
    ),
    "dead_units": ("learning_rate_too_low", "not_learning", "plateau", "underfitting"),
    "saturated_units": (
        "vanishing_gradients",
        "learning_rate_too_low",
        "not_learning",
        "slow_convergence",
        "plateau",
    ),
    "not_learning": ("plateau", "underfitting", "slow_convergence", "too_few_epochs"),
    "too_few_epochs": ("slow_convergence", "underfitting"),
    "plateau": ("underfitting",),
    "noisy_labels": ("overfitting", "too_many_epochs"),
    "under_regularised": ("overfitting", "too_many_epochs"),
    "overfitting": ("too_many_epochs",),
    "epochs_too_few": ("too_few_epochs", "slow_convergence"),
    "epochs_too_many": ("too_many_epochs",),
}


def combined(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return one finding a cause, the one to act on first standing first.

    A finding becomes a consequence of one that explains it, began no later, and is no less
    severe: what may be wrong does not hide what is wrong.

    >>> high = Finding("learning_rate_too_high", "error", "Too high.", since=2)
    >>> nan = Finding("nan_loss", "error", "No number.", since=5)
    >>> [(one.problem, one.consequences) for one in combined([nan, high])]
    [('learning_rate_too_high', ('nan_loss',))]
    """
    kept: list[Finding] = []
    folded: dict[str, list[str]] = {}
    for finding in sorted(findings, key=lambda one: _depth(one.problem)):
        cause = next((one for one in kept if _explained(finding, one)), None)
        if cause is None:
            kept.append(finding)
        else:
            folded.setdefault(cause.problem, []).append(finding.problem)
    full = [
        dataclasses.replace(
            one,
            consequences=tuple(dict.fromkeys([*one.consequences, *folded.get(one.problem, ())])),
        )
        for one in kept
    ]
    return tuple(sorted(full, key=lambda one: (-_weight(one), -len(one.consequences), _since(one))))


def _explained(finding: Finding, cause: Finding) -> bool:
    return (
        finding.problem in EXPLAINS.get(cause.problem, ())
        and _since(cause) <= _since(finding)
        and _weight(cause) >= _weight(finding)
    )


@cache
def _depth(problem: str) -> int:
    """Return how far down a chain of causes a problem can stand: causes come first."""
    above = [name for name, explained in EXPLAINS.items() if problem in explained]
    return 1 + max(map(_depth, above), default=-1)


def _weight(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity)


def _since(finding: Finding) -> int:
    """Return when it began; what has no beginning was there from the start."""
    return finding.since or 1
