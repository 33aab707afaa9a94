"""Findings and trials as HTML, for notebooks. Every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from luthier.core.finding import Finding
from luthier.core.show_text import (
    calm_line,
    curves_of,
    evidence_line,
    head,
    prescription_line,
)
from luthier.core.sparkline import sparkline

if TYPE_CHECKING:
    from luthier.core.trial import Trial

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


def trial_html(trial: Trial) -> str:
    """Return a trial as a division: what was trained, how far it went, and its curves.

    >>> from luthier.core.curves import Curves
    >>> from luthier.core.recipe import Recipe
    >>> from luthier.core.trial import Trial
    >>> trial_html(Trial(3, Recipe("<net>"), 0, "finished", curves=Curves(val_loss=(1.0, 0.5))))
    '<div><p><b>trial 3</b>: finished, 2 epochs, seed 0<br>val_loss <code>█▁</code> ...'
    """
    engine = f", {trial.engine}" if trial.engine else ""
    epochs = f"{trial.epochs} epoch{'s' * (trial.epochs != 1)}"
    lines = [
        f"<b>trial {trial.number}</b>: {escape(trial.state)}, {epochs}, "
        f"seed {trial.seed}{escape(engine)}"
    ]
    if trial.cause:
        lines.append(escape(trial.cause))
    curves = trial.curves
    shown = {"train_loss": curves.train_loss_eval or curves.train_loss, "val_loss": curves.val_loss}
    for name, series in {**shown, **curves.metrics}.items():
        if series:
            last = f"{series[-1]:.4g}"
            lines.append(f"{escape(name)} <code>{sparkline(series)}</code> {last} at the end")
    values = {**trial.recipe.to_json(), **trial.recipe.model}
    rows = "".join(
        f"<tr><td>{escape(str(key))}</td><td>{escape(str(value))}</td></tr>"
        for key, value in values.items()
        if key not in ("version", "model")
    )
    recipe = f"<details><summary>recipe</summary><table>{rows}</table></details>"
    return f"<div><p>{'<br>'.join(lines)}</p>{recipe}</div>"
