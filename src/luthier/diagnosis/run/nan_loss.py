"""NaN loss: from some epoch on the loss is no number any more."""

from __future__ import annotations

import math

from luthier.catalog import optimizers
from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import curve
from luthier.diagnosis.prescribe import changed, slower

ABOUT = About(
    symptom="The loss is NaN or infinite from some epoch on, and never comes back.",
    evidence="The last value of the training loss, or of a validation loss that had been finite, "
    "is no number: error. A gap in the middle of a log is none.",
    cause="Steps that are too large, a logarithm or a division at zero, or inputs that are no "
    "numbers (then from the first epoch on).",
    remedy="Lower the learning rate, or clip gradients; if the first epoch has it already, look "
    "for NaN in the data.",
    reference="IEEE 754: no operation on NaN gives a number again, so weights never recover",
)


def nan_loss(run: Run) -> Finding | None:
    """Find a loss that has stopped being a number.

    Args:
        run: Curves of one training.

    Returns:
        The finding, or None where the losses end with numbers.

    >>> from luthier.core import Curves
    >>> nan_loss(Run(Curves(train_loss=(2.0, 9.0, math.nan)))).since
    3
    >>> nan_loss(Run(Curves(train_loss=(2.0, math.nan, 1.0))))
    """
    for name in ("train_loss", "train_loss_eval", "val_loss"):
        series = getattr(run.curves, name)
        since = _last_run(series)
        # A validation loss that never was a number was not measured.
        if since is None or (name == "val_loss" and since == 1):
            continue
        last = None if since == 1 else series[since - 2]
        before = "" if last is None else f", {last:.3g} the epoch before"
        return Finding(
            problem="nan_loss",
            severity="error",
            since=since,
            summary=f"{name} is no number from epoch {since} on{before}.",
            evidence={
                "last_number": None if since == 1 else series[since - 2],
                **curve(name, series),
            },
            prescriptions=_at_once(run) if last is None else _later(run),
        )
    return None


def _at_once(run: Run, *, usual: float = 3.0) -> tuple[Prescription, ...]:
    """Advise where the first epoch has it: inputs or weights first, unless the rate is high."""
    look = Prescription(
        "Look for NaN and infinite values in inputs and targets, then at the initial weights."
    )
    lower = slower(run, "Lower the learning rate.")
    recipe = run.recipe
    if recipe is None:
        return look, lower
    if run.task is not None and recipe.preprocessing == "none":
        return changed(run, "Scale the inputs.", {"preprocessing": "standard"}), look, lower
    high = optimizers.by_name(recipe.optimizer).default_learning_rate * usual
    return (lower, look) if recipe.learning_rate > high else (look, lower)


def _later(run: Run) -> tuple[Prescription, ...]:
    """Advise where training had numbers before: its steps lost them."""
    return (
        slower(run, "Lower the learning rate."),
        changed(run, "Clip gradients, where single batches do it.", {"clip_norm": 1.0}),
    )


def _last_run(series: tuple[float, ...]) -> int | None:
    """Return the epoch from which on nothing is a number, counted from 1."""
    since = None
    for epoch in range(len(series), 0, -1):
        if math.isfinite(series[epoch - 1]):
            break
        since = epoch
    return since
