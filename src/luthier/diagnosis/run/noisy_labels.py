"""Noisy labels: what is learnt in training hardly holds for rows that were not trained on."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import accuracy, adversarial, chance, curve, finite
from luthier.diagnosis.statistics import level, lowest, tail

ABOUT = About(
    symptom="Training loss goes far down; validation loss hardly leaves that of guessing.",
    evidence="The best validation loss is above six tenths of guessing, and the training loss, "
    "in evaluation mode, fell by another three tenths; less than four fifths of answers are right. "
    "Always info: too few rows, and parts that differ, look the same.",
    cause="Labels that are wrong or shuffled against their inputs; else too few rows, or a "
    "validation part of another kind.",
    remedy="Look at the rows with the highest loss; train with shuffled labels: if that does as "
    "well, the labels say nothing.",
    reference="Zhang et al. 2017, Understanding deep learning requires rethinking generalization",
)


def noisy_labels(
    run: Run, *, poor: float = 0.6, apart: float = 0.3, right: float = 0.8, epochs: int = 8
) -> Finding | None:
    """Find a network that learns its rows by heart because there is little else to learn.

    Args:
        run: Curves of one training, with its task.
        poor: Best validation loss, as a share of that of guessing.
        apart: Best validation less last training loss, as a share of that of guessing.
        right: Share of right answers at best from which on labels cannot be what is wrong: such a
            loss shows answers that are too sure of themselves.
        epochs: With fewer there is silence.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves, Task
    >>> task = Task("classification", "log_loss", "minimize", (4,), 10)
    >>> curves = Curves(train_loss_eval=(0.4,) * 8, val_loss=(3.6,) * 8)
    >>> noisy_labels(Run(curves, task=task)).severity
    'info'
    >>> sure = Curves((), (0.4,) * 8, (3.6,) * 8, metrics={"val_accuracy": (0.89,) * 8})
    >>> noisy_labels(Run(sure, task=task))
    """
    values, val = finite(run.curves.train_loss_eval), finite(run.curves.val_loss)
    guess = chance(run)
    if adversarial(run) or guess is None or min(len(values), len(val)) < epochs:
        return None
    (best, bottom), last = lowest(val), level(tail(values))
    if max(accuracy(run), default=0.0) >= right:
        return None
    if bottom < poor * guess or bottom - last < apart * guess:
        return None
    return Finding(
        problem="noisy_labels",
        severity="info",
        confidence=0.5,
        since=best + 1,
        summary=f"Labels may be noisy: the best validation loss is {bottom:.3g}, where guessing "
        f"gives {guess:.3g}, while the training loss fell to {last:.3g}. A second look at labels, "
        "or more rows, would settle it.",
        evidence={
            "best_val_loss": bottom,
            "last_training_loss": last,
            "loss_of_guessing": guess,
            **curve("train_loss_eval", values),
            **curve("val_loss", val),
        },
        prescriptions=(
            Prescription("Look at the training rows with the highest loss."),
            Prescription("Check that inputs and labels are in the same order."),
        ),
    )
