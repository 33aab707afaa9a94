"""Slow convergence: the loss falls in a straight line, far from where it could be."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, faster
from luthier.diagnosis.statistics import falls, forecast, level, tail

ABOUT = About(
    symptom="The loss falls slowly and evenly; the curve has not bent yet.",
    evidence="The training loss still falls at the end, its second half by nearly as much as its "
    "first, and most is left to learn; validation falls with it, by seven tenths as much or more. "
    "Warning where guessing is known, else info.",
    cause="A rate below what the network stands, too few steps, or inputs that are not scaled.",
    remedy="Raise the rate three to ten times; then train longer.",
    reference="Smith 2018, A disciplined approach to neural network hyper-parameters",
)


def slow_convergence(
    run: Run, *, straight: float = 0.8, left: float = 0.4, alike: float = 0.7, epochs: int = 8
) -> Finding | None:
    """Find a training that is on its way, and nowhere near.

    Args:
        run: Curves of one training.
        straight: Fall of the second half over that of the first that counts as a line.
        left: Share of the loss of guessing (or of the first epoch's) that is still to learn.
        alike: Fall of the validation loss over that of the training loss: where it is less, what
            is learnt is the rows, and the loss is high because the data are noisy.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> line = tuple(2.3 - 0.01 * i for i in range(20))
    >>> slow_convergence(Run(Curves(train_loss=line, val_loss=line))).severity
    'info'
    """
    name, values = training(run)
    val, guess = finite(run.curves.val_loss), chance(run)
    if adversarial(run) or len(values) < epochs or len(val) < epochs or min(values) <= 0.0:
        return None
    last, before = level(tail(values)), guess if guess is not None else values[0]
    ahead, bend = forecast(values)
    if bend < straight or last < left * before or not falls(values) or not falls(val):
        return None
    if val[0] - level(tail(val)) < alike * (values[0] - last):
        return None
    count = len(values)
    return Finding(
        problem="slow_convergence",
        severity="info" if guess is None else "warning",
        confidence=0.7,
        since=1,
        summary=f"Convergence is slow: the training loss fell from {values[0]:.3g} to "
        f"{values[-1]:.3g} in {count} epochs, in a nearly straight line.",
        evidence={
            "first": values[0],
            "last": values[-1],
            "second_half_over_first": bend,
            "forecast_fall": ahead,
            **curve(name, values),
        },
        prescriptions=(
            faster(run, "Raise the learning rate.", by=3.0),
            changed(run, "Train longer.", {"epochs": 3 * count}),
        ),
    )
