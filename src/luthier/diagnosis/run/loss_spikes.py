"""Loss spikes: single epochs throw the loss far up, and it comes back."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, scale, training
from luthier.diagnosis.prescribe import changed, slower
from luthier.diagnosis.statistics import level, noise, sigmas

ABOUT = About(
    symptom="The loss is calm, jumps far up for an epoch or two, and comes back.",
    evidence="Epochs whose training loss lies above the three epochs before and after by more than "
    "noise and by a quarter of what there is to learn. Warning for three or more that validation "
    "shows too, where guessing is known; else info.",
    cause="Single batches with huge gradients: rows in another unit, a loss without bound, or a "
    "rate at the edge of what the network stands.",
    remedy="Clip gradients just above their usual norm; look at the rows of such a batch.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: training instability",
)


def loss_spikes(
    run: Run, *, share: float = 0.25, around: int = 3, many: int = 3, epochs: int = 10
) -> Finding | None:
    """Find epochs that threw the weights far off, and that the next ones repaired.

    Args:
        run: Curves of one training.
        share: Height over the epochs around, as a share of what there is to learn.
        around: How many epochs on either side are compared with.
        many: How many spikes are no accident.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves
    >>> falls = tuple(2.0 * 0.8**i for i in range(20))
    >>> loss_spikes(Run(Curves((*falls[:9], 3.0, *falls[10:])))).since
    10
    """
    name, values = training(run)
    size = scale(run)
    if adversarial(run) or size is None or len(values) < epochs:
        return None
    least = max(share * size, sigmas(len(values)) * noise(values))
    spikes = _spikes(values, least, around)
    if not spikes:
        return None
    val = finite(run.curves.val_loss)
    seen_too = set(spikes) <= set(_spikes(val, least / 2, around)) if val else False
    certain = len(spikes) >= many and seen_too and chance(run) is not None
    highest = max(values[i] for i in spikes)
    which = ", ".join(str(i + 1) for i in spikes[:5])
    return Finding(
        problem="loss_spikes",
        severity="warning" if certain else "info",
        confidence=0.8 if certain else 0.5,
        since=spikes[0] + 1,
        summary=f"The training loss spikes at epoch {which}, up to {highest:.3g}, and comes back.",
        evidence={
            "epochs": spikes,
            "highest": highest,
            "validation_too": seen_too,
            **curve(name, values),
        },
        prescriptions=(
            changed(run, "Clip gradients.", {"clip_norm": 1.0}),
            slower(run, "Lower the learning rate.", by=3.0),
        ),
    )


def _spikes(values: list[float], least: float, around: int) -> list[int]:
    """Return the epochs, from 0, that lie above the level before and after; edges have neither."""
    return [
        i
        for i in range(around, len(values) - around)
        if values[i] - level(values[i - around : i]) > least
        and values[i] - level(values[i + 1 : i + 1 + around]) > least
    ]
