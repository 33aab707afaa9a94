"""Validation leak: validation does better than the rows that are learnt, by the same measure."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import adversarial, curve, finite
from luthier.diagnosis.statistics import level, noise, sigmas, tail
from luthier.diagnosis.traces import beyond_the_loss

ABOUT = About(
    symptom="Validation loss lies below the training loss from beginning to end.",
    evidence="In seven epochs of ten validation lies a tenth or more below the training loss, "
    "both measured in evaluation mode, and at the end by more than noise. Always info: an easier "
    "validation part looks the same, and rows of it that are in the training part too show in no "
    "curve.",
    cause="Rows of the validation part in the training part, a target that leaks into its inputs, "
    "or parts that were not drawn alike.",
    remedy="Look for equal rows in both parts; draw the parts anew, by group or by time.",
    reference="Kapoor & Narayanan 2023, Leakage and the reproducibility crisis",
)


def validation_leak(
    run: Run, *, share: float = 0.1, often: float = 0.7, epochs: int = 8
) -> Finding | None:
    """Find a validation part that is easier than what was learnt.

    Args:
        run: Curves of one training; a running training loss says nothing here, since dropout
            and augmentation raise it.
        share: How far validation lies below training.
        often: Share of the epochs at which it does.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.
    """
    train, val = finite(run.curves.train_loss_eval), finite(run.curves.val_loss)
    if adversarial(run) or min(len(train), len(val)) < epochs or min(train) <= 0.0:
        return None
    more = beyond_the_loss(run)
    if more is not None and more[0] > share:  # a penalty that was logged with the loss
        return None
    below = [v < (1.0 - share) * t for t, v in zip(train, val, strict=False)]
    last, checked = level(tail(train)), level(tail(val))
    apart = last - checked > sigmas() * max(noise(tail(val, 0.5)), noise(tail(train, 0.5)))
    if sum(below) < often * len(below) or not apart:
        return None
    return Finding(
        problem="validation_leak",
        severity="info",
        confidence=0.5,
        since=below.index(True) + 1,
        summary=f"Validation is easier than training: loss {checked:.3g} against {last:.3g}, both "
        "in evaluation mode. Rows that both parts share, or how they were drawn, settle it.",
        evidence={
            "last_training_loss": last,
            "last_val_loss": checked,
            "share_of_epochs": sum(below) / len(below),
            **curve("train_loss_eval", train),
            **curve("val_loss", val),
        },
        prescriptions=(
            Prescription("Look for rows that training and validation share."),
            Prescription("Draw the parts anew: by group, or in the order of time."),
        ),
    )
