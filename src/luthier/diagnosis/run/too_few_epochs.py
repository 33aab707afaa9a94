"""Too few epochs: training ended while it was still getting better."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, goal, scale, training
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import falls, forecast, level
from luthier.diagnosis.traces import ended

ABOUT = About(
    symptom="Both curves are still going down when training ends.",
    evidence="Training loss and the metric that decides still improve at the end, beyond noise, "
    "and as many epochs again would lower the training loss by a tenth of what there is to learn. "
    "Warning; info where the task is not known.",
    cause="The budget ended before the training did.",
    remedy="Train longer; the schedule then stretches with it.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: choosing the number of steps",
)


def too_few_epochs(
    run: Run, *, gain: float = 0.1, bent: float = 0.8, epochs: int = 4
) -> Finding | None:
    """Find a training that as many epochs again would have made clearly better.

    Args:
        run: Curves of one training.
        gain: Forecast fall of the training loss, as a share of what there is to learn.
        bent: Share of the fall that a half keeps of the half before; above it the loss falls in a
            straight line, which is slow convergence.
        epochs: With fewer, as in fine-tuning, there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> falling = tuple(2.0 * 0.85**i for i in range(8))
    >>> too_few_epochs(Run(Curves(train_loss=falling, val_loss=falling))).since
    8
    """
    name, values = training(run)
    decides, size = goal(run), scale(run)
    if adversarial(run) or decides is None or size is None or len(values) < epochs:
        return None
    if ended(run):  # as no number: more epochs give no other
        return None
    if not falls(values) or not falls(decides.values):
        return None
    ahead, straight = forecast(values)
    if ahead < gain * size or (straight > bent and len(values) >= 2 * epochs):
        return None
    ahead = min(ahead, level(values[-3:])) if min(values) > 0.0 else ahead
    count = len(values)
    return Finding(
        problem="too_few_epochs",
        severity="info" if chance(run) is None else "warning",
        confidence=0.8,
        since=count,
        summary=f"Training ended too early: after {count} epochs the training loss is "
        f"{values[-1]:.3g} and falling, and {count} more would lower it by about {ahead:.2g}.",
        evidence={
            "epochs": count,
            "last": values[-1],
            "forecast_fall": ahead,
            **curve(name, values),
            **curve(decides.name, [decides.sign * one for one in decides.values]),
        },
        prescriptions=(changed(run, "Train twice as long, or longer.", {"epochs": 2 * count}),),
    )
