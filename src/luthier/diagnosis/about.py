"""What a rule is about, for the page that lists all problems."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """One row of docs/problems.md; it stands beside its rule as ``ABOUT``.

    Args:
        symptom: What a person sees.
        evidence: What the rule asks for before it speaks, and how severe it then is.
        cause: Why it happens.
        remedy: What to do.
        reference: Where that is written, or where the thresholds were measured.
    """

    symptom: str
    evidence: str
    cause: str
    remedy: str
    reference: str
