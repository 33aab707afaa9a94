"""First rate skipped: a loop changes its learning rate before anything was trained with it."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The first epoch learns less than the rate that was chosen promises.",
    evidence="The loop's source multiplies its rate before the call that trains, and the rate of "
    "the first epoch is what that leaves: warning where an optimizer trains with it and it is a "
    "fifth or less. Info where no optimizer has the loop's rate, or where it changes by less.",
    cause="The schedule stands at the top of the loop's body, before the training.",
    remedy="Change the rate after the epoch, or take a schedule that knows its first step.",
    reference="PyTorch documentation, torch.optim: scheduler.step() comes after optimizer.step()",
)


def first_rate_skipped(run: Run, *, factor: float = 0.2) -> Finding | None:
    """Find a first learning rate that no epoch has.

    Args:
        run: One training whose loop was read.
        factor: First used over first chosen rate from which on it counts; warm-up steps by less.

    Returns:
        The finding, or None.

    >>> from luthier.core import Curves, Trace
    >>> facts = {"rate_name": "lr", "rate_begun": 0.1, "rate_first": 0.01, "rate_place": "a.py"}
    >>> run = Run(Curves(learning_rate=(0.01, 0.001)), trace=Trace(facts=facts))
    >>> first_rate_skipped(run).severity
    'warning'
    """
    facts = run.trace.facts
    begun, first = facts.get("rate_begun"), facts.get("rate_first")
    if begun is None or first is None or not 0.0 < first < begun:
        return None
    used = next(iter(run.curves.learning_rate), None)
    applied = used is not None and abs(used - first) <= 1e-3 * first
    loud = applied and first <= factor * begun * (1 + 1e-9)
    name, place = facts.get("rate_name", "the rate"), facts.get("rate_place", "the loop")
    return Finding(
        problem="first_rate_skipped",
        severity="warning" if loud else "info",
        confidence=0.95 if applied else 0.6,
        since=1,
        summary=f"{name} is changed before the first epoch ({place}): it begins at {begun:.3g}, "
        f"and the first epoch has {first:.3g}. "
        + (f"No epoch trains with {begun:.3g}." if applied else "No optimizer has either."),
        evidence={"chosen": begun, "first": first, "optimizer": used},
        prescriptions=(Prescription(f"Change {name} after the epoch, not before it."),),
    )
