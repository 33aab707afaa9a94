"""Diagnosis: the findings of one check, run or study, what to act on first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier.core.finding import SEVERITIES, Finding, Severity
from luthier.core.show_html import diagnosis_html
from luthier.core.show_text import diagnosis_text


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, the thing to act on first standing first; empty where nothing is.

    Args:
        of: What was looked at: ``check``, ``run`` or ``study``.
        findings: In the order in which to act on them.
        looked_at: What was seen of it, in half a sentence.
        notes: What a reader should know about the evidence, such as which columns were read.

    >>> print(Diagnosis("run", looked_at="40 epochs: train_loss, val_loss"))
    Nothing wrong found. Looked at 40 epochs: train_loss, val_loss.
    """

    of: str
    findings: tuple[Finding, ...] = ()
    looked_at: str = ""
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> Severity | None:
        """The highest severity of all findings; None where there is none."""
        found = [finding.severity for finding in self.findings]
        return max(found, key=SEVERITIES.index, default=None)

    @property
    def healthy(self) -> bool:
        """Whether nothing calls for action: what only may be wrong does not."""
        return self.worst in (None, "info")

    @property
    def problems(self) -> tuple[str, ...]:
        """The names of what was found, in order."""
        return tuple(finding.problem for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "of": self.of,
            "healthy": self.healthy,
            "worst": self.worst,
            "looked_at": self.looked_at,
            "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return diagnosis_text(self.findings, self.looked_at, self.notes)

    def _repr_html_(self) -> str:
        return diagnosis_html(self.findings, self.looked_at, self.notes)
