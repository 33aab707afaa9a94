"""Plateau: the loss stopped falling far from where it could be."""

from __future__ import annotations

import itertools

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, chance, curve, finite, training
from luthier.diagnosis.prescribe import changed, faster
from luthier.diagnosis.statistics import level, noise, sigmas, tail

ABOUT = About(
    symptom="The loss fell at first, then stays where it is, and that is high.",
    evidence="The second half of training lowers the loss by 2 % of guessing at most, and leaves "
    "it above two fifths of guessing. Warning where the rate had collapsed before: for half of all "
    "epochs it stood at a hundredth of its highest or below, and the loss was still falling when "
    "it fell, or that was in the first quarter. Else info: a network that is too small, and inputs "
    "that say no more, look the same.",
    cause="A schedule that ends training before its last epoch, dead units, or the data's limit.",
    remedy="A schedule that falls over the whole run; else a wider network tells.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook; luthier's own schedules leave a "
    "hundredth of the rate, if at all, for the last third of a run",
)


def plateau(
    run: Run,
    *,
    left: float = 0.4,
    flat: float = 0.02,
    collapsed: float = 0.01,
    long: float = 0.5,
    most: float = 0.75,
    some: float = 0.2,
    falling: float = 0.02,
    epochs: int = 12,
) -> Finding | None:
    """Find a loss that has stopped falling, and a schedule that stopped it.

    Args:
        run: Curves of one training, with its task, and rates where they are known.
        left: Share of the loss of guessing above which much is left.
        flat: Fall of the second half, as a share of it, that is none.
        collapsed: Share of the highest rate below which steps change nothing.
        long: Share of the epochs that a schedule may not waste so.
        most: Share of the epochs so wasted that says by itself that the schedule ended training.
        some: Share of the loss of guessing below which training had its due.
        falling: Fall of an epoch, as a share of the loss of guessing, before the rate collapsed.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    name, values = training(run)
    guess = chance(run)
    if adversarial(run) or guess is None or len(values) < epochs:
        return None
    half, last = level(tail(values[: len(values) // 2])), level(tail(values))
    still = half - last <= max(flat * guess, sigmas() * noise(values) / 2)
    fell = values[0] - last > 0.05 * guess
    dead, count = _collapse(finite(run.curves.learning_rate), collapsed), len(values)
    wasted = dead is not None and count - dead >= long * count
    early = [a - b for a, b in itertools.pairwise(values[: (dead or 0) + 1])]
    cut = dead is not None and (
        dead <= (1 - most) * count or (early and early[-1] > falling * guess)
    )
    stopped = wasted and bool(cut) and last >= some * guess
    if not still or not (stopped or (fell and last >= left * guess)):
        return None
    return Finding(
        problem="plateau",
        severity="warning" if stopped else "info",
        confidence=0.85 if stopped else 0.5,
        since=min(dead or len(values) // 2, len(values) - 1) + 1,
        summary=f"The training loss stands at {last:.3g}, where guessing gives {guess:.3g}"
        + (
            f": the rate had all but vanished by epoch {(dead or 0) + 1}, while it was falling."
            if stopped
            else f": the second half of {len(values)} epochs brought nothing."
        ),
        evidence={
            "last_training_loss": last,
            "loss_of_guessing": guess,
            "rate_vanished_at_epoch": None if dead is None else dead + 1,
            **curve(name, values),
        },
        prescriptions=(
            (
                changed(run, "Let the rate fall over the whole run.", {"schedule": "cosine"}),
                faster(run, "Raise the rate.", by=3.0),
            )
            if stopped
            else (
                Prescription("Widen the network: if that fits no better, the data is the limit."),
                faster(run, "Raise the rate.", by=3.0),
            )
        ),
    )


def _collapse(rates: list[float], share: float) -> int | None:
    """Return the first epoch, from 0, from which on the rate stays near zero."""
    if not rates or max(rates) <= 0.0:
        return None
    # A factor of 0.1, twice, is a hundredth but for its last digit.
    low = [one <= 1.001 * share * max(rates) for one in rates]
    if not low[-1]:
        return None
    return len(low) - next((i for i, one in enumerate(reversed(low)) if not one), len(low))
