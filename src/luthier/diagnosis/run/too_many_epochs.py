"""Too many epochs: the best one came early, and the rest brought nothing."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve, goal
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import level, lowest, noise, sigmas

ABOUT = About(
    symptom="The best epoch came early; all later ones cost time.",
    evidence="The metric that decides was best in the first fifth of a run of 20 epochs or more, "
    "and never came near it again. Always info: it costs time alone.",
    cause="More epochs than the data has to teach, or a rate that learns it all at once.",
    remedy="Fewer epochs, or early stopping; a schedule then falls sooner.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: best checkpoint in the first "
    "tenth of training",
)


def too_many_epochs(run: Run, *, share: float = 0.2, epochs: int = 20) -> Finding | None:
    """Find a run whose later epochs were all in vain.

    Args:
        run: Curves of one training.
        share: Share of the run within which the best epoch lies.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    decides = goal(run)
    if adversarial(run) or decides is None or len(decides.values) < epochs:
        return None
    values = decides.values
    best, bottom = lowest(values)
    count, later = len(values), values[best + max(3, len(values) // 10) :]
    # A flat metric is best early by chance; one that got worse is not.
    if best + 1 > share * count or not later or max(values[: best + 1]) <= bottom:
        return None
    if level(later) - bottom <= sigmas(count) * noise(values[best:]) or min(later) <= bottom:
        return None
    return Finding(
        problem="too_many_epochs",
        severity="info",
        confidence=0.7,
        since=best + 2,
        summary=f"{decides.name} was best at epoch {best + 1} of {count}; the epochs after it "
        "brought nothing.",
        evidence={
            "best_epoch": best + 1,
            "epochs": count,
            "best": decides.sign * bottom,
            **curve(decides.name, [decides.sign * one for one in values]),
        },
        prescriptions=(
            changed(run, "Train shorter.", {"epochs": max(5, 2 * (best + 1))}),
            changed(run, "Stop early.", {"early_stopping": max(5, best + 1)}),
        ),
    )
