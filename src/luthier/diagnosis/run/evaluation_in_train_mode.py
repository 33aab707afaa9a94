"""Evaluation in train mode: dropout and batch statistics take part in validation."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="Validation is noisy, depends on the batch, or is far from what the network does "
    "when it is used.",
    evidence="Seen from hooks: at nine of ten validations, two at least, the passes before a "
    "validation value was logged went through dropout or batch normalisation in training mode, "
    "and none went through the network in evaluation mode. Warning.",
    cause="No `model.eval()` before validation; without gradients a network is still in training "
    "mode.",
    remedy="Call `model.eval()` before validation and `model.train()` after it.",
    reference="PyTorch documentation, torch.nn.Module.eval; Ioffe & Szegedy 2015, section 3.1: "
    "inference takes the population's statistics",
)


def evaluation_in_train_mode(run: Run, *, often: int = 2, share: float = 0.9) -> Finding | None:
    """Find a validation that is made in training mode.

    Args:
        run: One training that was watched.
        often: How many validations must have been seen.
        share: Of them that were made in training mode.

    Returns:
        The finding, or None.
    """
    seen = run.trace.counts.get("validations", 0)
    training = run.trace.counts.get("validations_in_train_mode", 0)
    kinds = run.trace.facts.get("mode_layers", ())
    if seen < often or training < share * seen or not kinds:
        return None
    return Finding(
        problem="evaluation_in_train_mode",
        severity="warning",
        confidence=0.95,
        since=1,
        summary=f"Validation is made in training mode: at {training} of {seen} validations "
        f"{' and '.join(kinds)} were training.",
        evidence={"validations": seen, "in_train_mode": training, "layers": ", ".join(kinds)},
        prescriptions=(
            Prescription("Call model.eval() before validation, and model.train() after it."),
        ),
    )
