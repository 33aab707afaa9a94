"""Late variance: the end of training is a draw, and the best epoch was a lucky one."""

from __future__ import annotations

from luthier.core import Finding, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve, finite, scale, training
from luthier.diagnosis.prescribe import changed
from luthier.diagnosis.statistics import agreement, level, noise, tail

ABOUT = About(
    symptom="Validation jumps about to the end, under a rate that does not fall.",
    evidence="In the second half epochs differ by a quarter of the validation loss itself and by "
    "1.5 % of what there is to learn, training jumps along, and the rate is as high as before. "
    "Always info: the best epoch is kept, and is luck in part.",
    cause="A constant rate ends in a ball of noise around the minimum, and not in it.",
    remedy="Let the rate fall to zero, or average the weights.",
    reference="Godbole et al. 2023, Deep Learning Tuning Playbook: variance late in training",
)


def late_variance(
    run: Run,
    *,
    share: float = 0.25,
    material: float = 0.015,
    together: float = 0.6,
    epochs: int = 16,
) -> Finding | None:
    """Find a training whose end would be another one with each epoch more.

    Args:
        run: Curves of one training, with recipe or learning rates.
        share: Difference from one epoch to the next, as a share of the validation loss.
        material: The same, as a share of what there is to learn.
        together: Correlation of these differences in training and validation.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    _, values = training(run)
    val, size = finite(run.curves.val_loss), scale(run)
    if adversarial(run) or size is None or len(val) < epochs or len(values) != len(val):
        return None
    end = tail(val, 0.5)
    jump, match = noise(end), agreement(end, tail(values, 0.5))
    if jump < max(share * abs(level(end)), material * size) or not _constant(run):
        return None
    if match is None or match < together:
        return None
    return Finding(
        problem="late_variance",
        severity="info",
        confidence=0.7,
        since=len(val) - len(end) + 1,
        summary=f"The end is restless: validation loss jumps by {jump:.2g} from one epoch to the "
        f"next, around {level(end):.3g}, and the rate does not fall.",
        evidence={
            "jump": jump,
            "around": level(end),
            "best": min(val),
            "correlation_with_training": match,
            **curve("val_loss", val),
        },
        prescriptions=(
            changed(run, "Let the rate fall towards the end.", {"schedule": "cosine"}),
            changed(run, "Average the weights.", {"ema": 0.99}),
        ),
    )


def _constant(run: Run) -> bool:
    """Tell whether the rate stays as it was, as far as is known."""
    rates = finite(run.curves.learning_rate)
    return bool(rates) and level(tail(rates)) >= 0.9 * max(rates)
