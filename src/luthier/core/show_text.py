"""Findings as plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luthier.core.finding import Finding, Prescription
from luthier.core.sparkline import sparkline

_WIDTH = 96
Paint = Callable[[str, str], str]  # a text and what it is: a severity, or "dim"


def diagnosis_text(
    findings: Sequence[Finding],
    looked_at: str = "",
    notes: Sequence[str] = (),
    paint: Paint = lambda text, what: text,
) -> str:
    """Return findings as paragraphs, or one calm line where there is none.

    Args:
        findings: The first to act on first.
        looked_at: What was seen, in half a sentence.
        notes: What a reader should know about the evidence.
        paint: Colours a part; by default nothing is.
    """
    blocks = [finding_text(finding, paint) for finding in findings]
    if all(finding.severity == "info" for finding in findings):
        blocks.insert(0, calm_line(findings, looked_at))
    elif looked_at:
        blocks.append(paint(f"Looked at {looked_at}.", "dim"))
    if notes:
        blocks.append(paint("\n".join(f"note: {note}" for note in notes), "dim"))
    return "\n\n".join(blocks) if findings else "\n".join(blocks)


def calm_line(findings: Sequence[Finding], looked_at: str) -> str:
    """Return what is said where nothing calls for action."""
    seen = f" Looked at {looked_at}." if looked_at else ""
    if findings:
        return f"Nothing wrong found; what may be worth a look stands below.{seen}"
    return f"Nothing wrong found.{seen}"


def finding_text(finding: Finding, paint: Paint = lambda text, what: text) -> str:
    """Return one finding: what, how sure, since when; its evidence; what to do."""
    lines = [paint(head(finding), finding.severity), *_wrapped(finding.summary, "  ", "  ")]
    for name, series in curves_of(finding.evidence).items():
        lines.append(f"  {name} {sparkline(series)}")
    if facts := evidence_line(finding.evidence):
        lines += [paint(line, "dim") for line in _wrapped(facts, "  ", "    ")]
    for number, one in enumerate(finding.prescriptions):
        label = "  do: " if number == 0 else "  or: "
        lines += _wrapped(prescription_line(one), label, "      ")
    if finding.consequences:
        lines += _wrapped(f"explains: {', '.join(finding.consequences)}", "  ", "    ")
    return "\n".join(lines)


def head(finding: Finding) -> str:
    """Return what was found, since when and how sure.

    >>> head(Finding("plateau", "info", "Flat.", confidence=0.7, since=3))
    'info: plateau since epoch 3 (confidence 70 %)'
    """
    since = "" if finding.since is None else f" since epoch {finding.since}"
    sure = f"confidence {math.floor(finding.confidence * 100 + 0.5)} %"
    return f"{finding.severity}: {finding.problem}{since} ({sure})"


def prescription_line(one: Prescription) -> str:
    """Return advice with the exact setting behind it.

    >>> prescription_line(Prescription("Train slower.", change={"learning_rate": (0.1, 0.01)}))
    'Train slower. [learning_rate: 0.1 → 0.01]'
    """
    return f"{one.advice} [{one.settings}]" if one.change else one.advice


def evidence_line(evidence: Mapping[str, Any]) -> str:
    """Return the numbers and names in one line; series and what is not known are left out.

    >>> evidence_line({"best": 0.51234, "epoch": 7, "got_worse": True, "curve": (1.0, 0.5, 0.4)})
    'best 0.512, epoch 7, got worse'
    >>> evidence_line({"parameters": ("dropout", "width"), "interval": (-0.019, 0.01)})
    'parameters dropout and width, interval -0.019 to 0.01'
    """
    facts = []
    for key, value in evidence.items():
        name = key.replace("_", " ")
        if isinstance(value, bool):
            facts.append(name if value else f"not {name}")
        elif isinstance(value, (int, float, str)):
            facts.append(f"{name} {_number(value)}")
        elif _is_pair(value):
            facts.append(f"{name} {_number(value[0])} to {_number(value[1])}")
        elif isinstance(value, Sequence) and value and all(isinstance(one, str) for one in value):
            facts.append(f"{name} {' and '.join(value)}")
    return ", ".join(facts)


def curves_of(evidence: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the series of an evidence that have numbers; what is missing in them is NaN.

    >>> evidence = {"best": 0.5, "val_loss": (1.0, None, 0.5), "interval": (0.1, 0.2)}
    >>> curves_of({**evidence, "fixed": ("optimizer", "schedule")})
    {'val_loss': [1.0, nan, 0.5]}
    """
    return {
        name: [math.nan if one is None else float(one) for one in value]
        for name, value in evidence.items()
        if _is_series(value)
    }


def _is_series(value: Any) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or _is_pair(value):
        return False
    numbers = [one for one in value if one is not None]
    return bool(numbers) and all(isinstance(one, (int, float)) for one in numbers)


def _is_pair(value: Any) -> bool:
    """Tell whether two numbers stand for a range: a line between them would say nothing."""
    return (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(isinstance(one, (int, float)) for one in value)
    )


def _number(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    )
