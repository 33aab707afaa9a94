"""Schedule not applied: the rate that falls in the log is not the one that trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.core import Finding, Prescription, Run
from luthier.diagnosis.about import About
from luthier.diagnosis.evidence import curve
from luthier.diagnosis.words import words

ABOUT = About(
    symptom="A learning rate is changed or logged, and the training takes no notice.",
    evidence="Of the rates that the loop logs, or keeps in a variable that it multiplies, three "
    "of five, three at least, are none that an optimizer has, and they change while the "
    "optimizer's does not; or a schedule was made for the optimizer, and after three epochs it "
    "has not made a step, nor has the rate changed. Warning.",
    cause="A number is changed that no optimizer reads: `optimizer.param_groups` are not set, or "
    "`scheduler.step()` is not called.",
    remedy="Set `group['lr']` of every group in `optimizer.param_groups`, or call "
    "`scheduler.step()`.",
    reference="PyTorch documentation, torch.optim: how to adjust the learning rate",
)


def schedule_not_applied(
    run: Run, *, often: int = 3, share: float = 0.6, epochs: int = 3, falls: int = 5
) -> Finding | None:
    """Find a schedule whose numbers never reach the optimizer.

    Args:
        run: One training that was watched.
        often: How many rates must have been logged.
        share: Of them that no optimizer has.
        epochs: After so many a schedule must have stepped.
        falls: Epochs after which to tell what would be left of a rate that the loop multiplies.

    Returns:
        The finding, or None.
    """
    counts, facts = run.trace.counts, run.trace.facts
    logged, missed = counts.get("rates_logged", 0), counts.get("rates_not_applied", 0)
    if facts.get("rates_used_differ"):
        return None
    if logged >= often and missed >= share * logged and facts.get("rates_logged_differ"):
        wanted, used = facts.get("rate_logged", 0.0), facts.get("rate_used", 0.0)
        return _finding(
            f"{_said(facts)}, the last being {wanted:.3g}; the optimizer trains with {used:.3g} "
            f"throughout.{_would(facts, falls)}",
            {"rates_logged": logged, "rate_logged": wanted, "rate_used": used},
            f"Set the rate where the optimizer reads it: {words(run, 'set_rate')}.",
        )
    schedules, rates = facts.get("schedules", ()), run.curves.learning_rate
    never = bool(schedules) and not any(steps for _, steps in schedules)
    if never and len(rates) >= epochs and len(set(rates)) == 1:
        kinds = ", ".join(name for name, _ in schedules)
        return _finding(
            f"{kinds} was made for the optimizer and has not made a step in {len(rates)} "
            f"epochs: the rate is {rates[-1]:.3g} throughout.",
            {"schedule": kinds, "schedule_steps": 0, **curve("learning_rate", rates)},
            "Call scheduler.step() after each epoch, or after each step if it counts steps.",
        )
    return None


def _said(facts: Mapping[str, Any]) -> str:
    name = facts.get("rate_name")
    return f"The loop changes {name}" if name else "The loop logs learning rates that change"


def _would(facts: Mapping[str, Any], falls: int) -> str:
    """Tell what else is wrong with a rate that the loop multiplies: it matters once it is set."""
    first, factor = facts.get("rate_first"), facts.get("rate_factor")
    if first is None or factor is None or not 0.0 < factor <= 0.2:
        return ""
    left = first * factor ** (falls - 1)
    return (
        f" As the loop stands it would begin at {first:.3g} and be {left:.1g} in epoch {falls}: "
        "set it, and let it fall more slowly."
    )


def _finding(summary: str, evidence: dict[str, object], advice: str) -> Finding:
    return Finding(
        problem="schedule_not_applied",
        severity="warning",
        confidence=0.99,
        since=1,
        summary=summary,
        evidence=evidence,
        prescriptions=(Prescription(advice),),
    )
