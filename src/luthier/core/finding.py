"""What is wrong, how that is known, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from luthier.core.problems import PROBLEMS
from luthier.core.recipe import Value

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True)
class Prescription:
    """One thing to do about a finding.

    Args:
        advice: For a person.
        change: For a tuner: old and new value by recipe key, from the recipe at hand.
        widen: For a search: ``low`` or ``high``, the end of a range that was too narrow, by key.

    >>> Prescription("Train slower.", change={"learning_rate": (0.1, 0.003)}).settings
    'learning_rate: 0.1 → 0.003'
    """

    advice: str
    change: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    widen: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> str:
        """The change in words, one setting after the other."""
        return ", ".join(f"{key}: {_short(a)} → {_short(b)}" for key, (a, b) in self.change.items())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        change = {key: list(pair) for key, pair in self.change.items()}
        return {"advice": self.advice, "change": change, "widen": dict(self.widen)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prescription:
        """Read what `to_json` wrote."""
        change = {key: (old, new) for key, (old, new) in data["change"].items()}
        return cls(data["advice"], change, data["widen"])


@dataclass(frozen=True)
class Finding:
    """A problem of one set-up, training or study, with what shows it.

    Args:
        problem: Its stable name, one of `PROBLEMS`.
        severity: ``error``: the result is worthless as it is. ``warning``: it is worse than it
            need be, and two independent signals or an experiment say so. ``info``: it may be.
        summary: One sentence with the numbers in it.
        confidence: How sure, between 0 and 1.
        since: The epoch, counted from 1, or None where it has no beginning.
        evidence: The numbers, by name; a sequence of numbers is a curve, and is drawn.
        consequences: Names of problems that this one explains.
        prescriptions: What to do, the first thing first.

    Raises:
        ValueError: for a name, severity or confidence that does not exist.
    """

    problem: str
    severity: Severity
    summary: str
    confidence: float = 1.0
    since: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    consequences: tuple[str, ...] = ()
    prescriptions: tuple[Prescription, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.problem, *self.consequences):
            if name not in PROBLEMS:
                raise ValueError(f"'{name}' is no problem's name; core.problems lists them")
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity '{self.severity}' is none of {', '.join(SEVERITIES)}")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must lie between 0 and 1, but got {self.confidence}")

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "problem": self.problem,
            "severity": self.severity,
            "confidence": self.confidence,
            "summary": self.summary,
            "since": self.since,
            "evidence": {name: _plain(value) for name, value in self.evidence.items()},
            "consequences": list(self.consequences),
            "prescriptions": [one.to_json() for one in self.prescriptions],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Read what `to_json` wrote.

        >>> found = Finding("plateau", "info", "Flat.", evidence={"best": 0.5})
        >>> Finding.from_json(found.to_json()) == found
        True
        """
        prescriptions = tuple(Prescription.from_json(one) for one in data["prescriptions"])
        consequences = tuple(data["consequences"])
        return cls(**{**data, "consequences": consequences, "prescriptions": prescriptions})


def _plain(value: Any) -> Any:
    """Return what JSON can hold: no number that is none, and lists for tuples."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return [_plain(one) for one in value] if isinstance(value, (tuple, list)) else value


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
