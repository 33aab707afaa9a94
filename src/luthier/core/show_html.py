"""Findings as HTML, for notebooks and reports. Every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from luthier.core.finding import Finding
from luthier.core.show_text import (
    calm_line,
    curves_of,
    evidence_line,
    head,
    prescription_line,
)
from luthier.core.sparkline import sparkline

_COLOURS = {"error": "#b3261e", "warning": "#9a6700", "info": "#57606a"}


def diagnosis_html(
    findings: Sequence[Finding], looked_at: str = "", notes: Sequence[str] = ()
) -> str:
    """Return findings as a division; it needs no style sheet.

    >>> diagnosis_html((), "3 epochs: <loss>")
    '<div><p>Nothing wrong found. Looked at 3 epochs: &lt;loss&gt;.</p></div>'
    """
    parts = [_finding(finding) for finding in findings]
    if all(finding.severity == "info" for finding in findings):
        parts.insert(0, f"<p>{escape(calm_line(findings, looked_at))}</p>")
    elif looked_at:
        parts.append(f"<p><small>Looked at {escape(looked_at)}.</small></p>")
    parts += [f"<p><small>note: {escape(note)}</small></p>" for note in notes]
    return f"<div>{''.join(parts)}</div>"


def _finding(finding: Finding) -> str:
    colour = _COLOURS[finding.severity]
    lines = [
        f'<p><b style="color:{colour}">{escape(head(finding))}</b><br>{escape(finding.summary)}'
    ]
    for name, series in curves_of(finding.evidence).items():
        lines.append(f"{escape(name)} <code>{sparkline(series)}</code>")
    if facts := evidence_line(finding.evidence):
        lines.append(f"<small>{escape(facts)}</small>")
    text = "<br>".join(lines) + "</p>"
    if finding.prescriptions:
        items = "".join(
            f"<li>{escape(prescription_line(one))}</li>" for one in finding.prescriptions
        )
        text += f"<ol>{items}</ol>"
    if finding.consequences:
        text += f"<p><small>explains: {escape(', '.join(finding.consequences))}</small></p>"
    return text
