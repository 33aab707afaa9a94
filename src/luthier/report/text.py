"""Numbers, recipes and summaries as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.core import Recipe
from luthier.report.summary import Outcome, Summary


def number(value: float | None) -> str:
    """Return a number to read, not to compute with.

    >>> number(0.0123456), number(1234.5), number(None), number(3.0)
    ('0.0123', '1,234', '–', '3')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a time to read.

    >>> seconds(5.2), seconds(75), seconds(7260)
    ('5 s', '1 m 15 s', '2 h 1 m')
    """
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def setting(value: Any) -> str:
    """Return a recipe's value to read.

    >>> setting(0.00123456), setting(None), setting("gelu")
    ('0.00123', 'as built', 'gelu')
    """
    if value is None:
        return "as built"
    if isinstance(value, float):
        return number(value)
    return "–" if value == "" else str(value)


def changes(recipe: Recipe, baseline: Recipe) -> list[tuple[str, str, str]]:
    """Return what differs from a baseline: (key, before, after) to read."""
    pairs = baseline.difference(recipe)
    return [
        (name.removeprefix("model."), setting(before), setting(after))
        for name, (before, after) in pairs.items()
    ]


def one_line(recipe: Recipe, baseline: Recipe) -> str:
    """Return a recipe in one line: what differs from the baseline.

    >>> one_line(Recipe(learning_rate=0.01), Recipe())
    'learning_rate 0.01'
    """
    parts = [f"{name} {after}" for name, _, after in changes(recipe, baseline)]
    return ", ".join(parts) or "the default recipe"


def metrics_text(values: Mapping[str, float]) -> str:
    """Return metrics in one line.

    >>> metrics_text({"log_loss": 0.0712, "accuracy": 0.981})
    'log_loss 0.0712  accuracy 0.981'
    """
    return "  ".join(f"{name} {number(value)}" for name, value in values.items())


def summary_text(summary: Summary) -> str:
    """Return what a person wants to know at the end of `luthier tune`."""
    lines: list[str] = []
    counts = ", ".join(f"{n} {state}" for state, n in summary.trials.items() if n)
    spent = (
        f"{summary.epochs_spent:,} epochs in {seconds(summary.seconds)}, "
        f"{sum(summary.trials.values())} trials ({counts})"
    )
    if summary.best is None:
        return f"No trial has a score yet.\nspent     {spent}"
    lines += [f"best      {_outcome_text(summary.best)}"]
    if summary.baseline is not None and summary.baseline.trial != summary.best.trial:
        lines += [f"default   {_outcome_text(summary.baseline)}", ""]
        changed = changes(summary.best.recipe, summary.baseline.recipe)
        width = max(len(name) for name, _, _ in changed)
        lines += ["what the best recipe changes:"]
        lines += [f"  {name:<{width}}  {before} → {after}" for name, before, after in changed]
    elif summary.baseline is not None:
        lines += ["          the default recipe itself: nothing that was tried is better"]
    lines += ["", f"spent     {spent}"]
    if summary.test_openings:
        lines += [
            f"note      this test part was opened {summary.test_openings}x before: "
            "its scores confirm nothing any more"
        ]
    lines += [f"note      {note}" for note in summary.notes]
    lines += [f"study     '{summary.study}' in {summary.storage}"]
    return "\n".join(lines)


def _outcome_text(outcome: Outcome) -> str:
    text = f"trial {outcome.trial:<4} validation  {metrics_text(outcome.validation)}"
    if outcome.test:
        text += f"\n                     test        {metrics_text(outcome.test)}"
    return text
