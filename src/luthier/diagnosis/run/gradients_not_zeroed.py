"""Gradients not zeroed: each step adds the gradients of all steps before it."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The loss falls, then swings ever wider or diverges.",
    evidence="Seen from hooks: at nine of ten steps that were followed, three at least, the "
    "gradient that the step before had used was still there, unchanged, when the next one was "
    "added to it, and no backward pass until the next step found it zeroed. Error.",
    cause="No `optimizer.zero_grad()` in the loop, or one of another optimizer or network.",
    remedy="Call `optimizer.zero_grad()` before every `loss.backward()`; where gradients of "
    "several batches are added on purpose, after every step.",
    reference="PyTorch documentation, torch.optim.Optimizer.zero_grad; gradients accumulate",
)


def gradients_not_zeroed(run: Run, *, steps: int = 3, share: float = 0.9) -> Finding | None:
    """Find a loop that never zeroes its gradients.

    Args:
        run: One training that was watched.
        steps: How many steps must have been followed: once may be a loop's first turn.
        share: Of them that found the old gradient: what was zeroed now and then is a choice.

    Returns:
        The finding, or None.

    >>> from luthier.core import Trace
    >>> trace = Trace(counts={"intervals": 20, "intervals_not_zeroed": 20})
    >>> gradients_not_zeroed(Run(trace=trace)).severity
    'error'
    """
    followed = run.trace.counts.get("intervals", 0)
    stale = run.trace.counts.get("intervals_not_zeroed", 0)
    if followed < steps or stale < share * followed:
        return None
    return Finding(
        problem="gradients_not_zeroed",
        severity="error",
        confidence=0.99,
        since=1,
        summary=f"Gradients are not zeroed: at {stale} of {followed} steps that were followed, "
        "the gradient of the step before was still there, and the new one was added to it.",
        evidence={"steps_followed": followed, "steps_with_old_gradient": stale},
        prescriptions=(
            Prescription("Call optimizer.zero_grad() before loss.backward(), in every step."),
            Prescription(
                "If gradients of several batches are added on purpose, zero them after each step."
            ),
        ),
    )
