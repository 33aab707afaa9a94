"""Schedule not applied: it sets the rates of an optimizer that does not train."""

from __future__ import annotations

from luthier.core import Finding, Prescription, Setup
from luthier.diagnosis.about import About

ABOUT = About(
    symptom="The rate that is printed falls, and the training goes on as with a constant one.",
    evidence="The schedule belongs to another optimizer than the one that trains: error.",
    cause="The optimizer was made anew after the schedule, say for a second run.",
    remedy="Make the schedule from the optimizer that trains.",
    reference="a torch scheduler writes into the groups of its own optimizer alone",
)


def schedule_not_applied(setup: Setup) -> Finding | None:
    """Find a schedule that reaches nobody.

    >>> from luthier.core import ScheduleFacts
    >>> schedule_not_applied(Setup(schedule=ScheduleFacts("StepLR", foreign=True))).severity
    'error'
    """
    if not setup.schedule.foreign:
        return None
    name = setup.schedule.name
    return Finding(
        problem="schedule_not_applied",
        severity="error",
        summary=f"{name} sets the rates of another optimizer than the one that trains.",
        evidence={"schedule": name},
        prescriptions=(Prescription(f"Make it anew: {name}(optimizer, ...)."),),
    )
