"""Epochs too many: trials are best long before they end."""

from __future__ import annotations

from statistics import median

from luthier.core import Finding, History, Prescription, Space
from luthier.diagnosis.about import About
from luthier.diagnosis.study.ranked import complete

ABOUT = About(
    symptom="Every trial is best early, and trains on for nothing.",
    evidence="The better half of at least six complete trials of 15 epochs or more is best in the "
    "first tenth of the epochs, in the middle. Always info: it costs time alone.",
    cause="More epochs than the data has to teach.",
    remedy="Fewer epochs: the same budget then tries more recipes.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: best checkpoint in the first "
    "tenth of training",
)


def epochs_too_many(
    history: History, space: Space, *, share: float = 0.1, trials: int = 6, epochs: int = 15
) -> Finding | None:
    """Find a length of training that wastes most of it.

    Args:
        history: All trials.
        space: What was searched.
        share: Share of the epochs within which trials are best.
        trials: With fewer complete ones there is silence.
        epochs: With shorter ones there is silence.

    Returns:
        The finding, or None.
    """
    found = complete(history)
    if len(found) < trials or found[0].epochs < epochs:
        return None
    goal = (history.metric, history.direction)
    best = [trial.curves.best_epoch(*goal) or 0 for trial in found[: (len(found) + 1) // 2]]
    length = median(trial.epochs for trial in found)
    if median(best) > max(1.0, share * length):
        return None
    fewer = max(5, int(3 * median(best)))
    return Finding(
        problem="epochs_too_many",
        severity="info",
        confidence=0.7,
        summary=f"Good trials are best at epoch {median(best):g} of {length:g}, in the middle.",
        evidence={"best_epochs": best, "epochs": length},
        prescriptions=(
            Prescription(
                f"Search with {fewer} epochs: --length {fewer}.",
                change={"epochs": (space.baseline.epochs, fewer)},
            )
            if fewer < space.baseline.epochs
            else Prescription("Search with fewer epochs."),
        ),
    )
