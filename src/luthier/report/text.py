"""Numbers, recipes and summaries as text for a terminal."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.core import Recipe
from luthier.report.proof import proof_text
from luthier.report.summary import Beside, Outcome, Summary


def number(value: float | None) -> str:
    """Return a number to read, not to compute with.

    >>> number(0.0123456), number(1234.5), number(None), number(3.0)
    ('0.0123', '1,234', '–', '3')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def tick(value: float) -> str:
    """Return a value as an axis has it: short.

    >>> tick(0.00065), tick(0.05), tick(12000.0)
    ('6.5e-4', '0.05', '12,000')
    """
    if 0 < abs(value) < 1e-3:
        mantissa, _, power = f"{value:.2g}".partition("e")
        if not power:
            mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    return number(value)


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
    return ", ".join(parts) or "the baseline"


def metrics_text(values: Mapping[str, float]) -> str:
    """Return metrics in one line.

    >>> metrics_text({"log_loss": 0.0712, "accuracy": 0.981})
    'log_loss 0.0712  accuracy 0.981'
    """
    return "  ".join(f"{name} {number(value)}" for name, value in values.items())


_STATES = {"paused": "stopped early", "waiting": "not begun"}


def trials_text(counts: Mapping[str, int]) -> str:
    """Return how many trials ended in which way.

    >>> trials_text({"finished": 2, "paused": 6, "failed": 0})
    '8 trials (2 finished, 6 stopped early)'
    """
    parts = ", ".join(f"{n} {_STATES.get(state, state)}" for state, n in counts.items() if n)
    total = sum(counts.values())
    return f"{total} trial{'s' * (total != 1)}" + (f" ({parts})" if parts else "")


def summary_text(summary: Summary) -> str:
    """Return what a person wants to know at the end of `luthier tune`."""
    best, baseline = summary.best, summary.baseline
    lines: list[str] = []
    if best is None:
        lines += ["no trial has a score"]
    else:
        lines += _scores(summary.metric, best, baseline, summary.references)
        if baseline is not None:
            lines += _changes(best, baseline, sum(summary.trials.values()))
        lines += [""]
        if summary.choice is not None:
            lines += [choice_text(summary.choice, summary.metric), ""]
        if summary.proof is not None:
            lines += [proof_text(summary.proof, summary.metric), ""]
    spent = f"{summary.epochs_spent:,} epochs in {seconds(summary.seconds)}"
    lines += [f"spent     {spent}: {trials_text(summary.trials)}"]
    if summary.test_openings and (summary.proof is None or summary.proof.verdict is None):
        times = "once" if summary.test_openings == 1 else f"{summary.test_openings} times"
        lines += [
            f"note      this test part was opened {times} before: what was chosen by it flatters"
        ]
    lines += [f"note      {note}" for note in summary.notes]
    lines += [f"study     {summary.study} in {summary.storage}"]
    return "\n".join(lines)


def choice_text(choice: Mapping[str, Any], metric: str) -> str:
    """Return how small data chose among finalists.

    >>> finalists = [{"trial": 0, "scores": [0.3, 0.5]}, {"trial": 7, "scores": [0.2, 0.4]}]
    >>> gain = {"gain": 0.1, "error": 0.05, "p_value": 0.3}
    >>> found = {"splits": 2, "winner": 7, "finalists": finalists, "against_baseline": gain}
    >>> print(choice_text(found, "log_loss"))
    chosen    on 2 further splits of training and validation rows, for there are few: mean log_loss
              trial 0 0.4, trial 7 0.3; +0.1 over the baseline (corrected resampled p = 0.3)
    """
    means = []
    for one in choice["finalists"]:
        known = [score for score in one["scores"] if score is not None]
        mean = sum(known) / len(known) if len(known) == len(one["scores"]) else None
        means.append(f"trial {one['trial']} {number(mean)}")
    text = f"{', '.join(means)}"
    if ahead := choice["against_baseline"]:
        text += (
            f"; {ahead['gain']:+.2g} over the baseline (corrected resampled p = "
            f"{ahead['p_value']:.2g})"
        )
    told = (
        f"on {choice['splits']} further splits of training and validation rows, for there are few: "
        f"mean {metric} {text}"
    )
    margin = " " * 10
    lines = textwrap.wrap(told, 100, initial_indent=f"{'chosen':10}", subsequent_indent=margin)
    return "\n".join(lines)


def refit_text(folder: str, refit: Mapping[str, Any]) -> str:
    """Return what the refit is, and what it is not.

    >>> print(refit_text("out", {"folder": "refit", "rows": 1437, "epochs": 48}))
    refit     out/refit: the same recipe on training and validation rows (1,437), 48 epochs beyond
              the budget. Not validated: no rows are left to say how good it is.
    """
    return (
        f"refit     {folder}/{refit['folder']}: the same recipe on training and validation rows "
        f"({refit['rows']:,}), {refit['epochs']} epochs beyond\n          the budget. Not "
        "validated: no rows are left to say how good it is."
    )


def next_text(data: str, study: str, folder: str | None) -> str:
    """Return what to type next.

    >>> print(next_text("a.csv", "a-mlp", None))
    next      luthier show a-mlp            tells the story
              the same command              goes on, if budget is left or raised
              the same with --out DIR       hands the network over
    """
    steps = [
        (f"luthier show {shlex.quote(study)}", "tells the story"),
        ("the same command", "goes on, if budget is left or raised"),
    ]
    if folder is None:
        steps += [("the same with --out DIR", "hands the network over")]
    else:
        folder = shlex.quote(folder)
        again = f"luthier train {shlex.quote(data)} --recipe {folder}/recipe.yaml"
        predict = f"luthier predict NEW_ROWS --model {folder}"
        steps = [(predict, "uses the network"), (again, "gives the same scores again"), *steps]
    width = max(28, *(len(command) for command, _ in steps))
    return "next      " + "\n          ".join(f"{one:<{width}}  {what}" for one, what in steps)


def _scores(
    metric: str, best: Outcome, baseline: Outcome | None, references: Sequence[Beside] = ()
) -> list[str]:
    """Return a table: a metric a line, the winner, the baseline and what needs no network."""
    shown = [best] if baseline is None or baseline.trial == best.trial else [best, baseline]
    rows = [
        ("", "", *("best", "baseline")[: len(shown)], *(one.name for one in references), ""),
        ("", "", *(f"trial {one.trial}" for one in shown), *("untuned" for _ in references), ""),
    ]
    for part, scores in (
        ("validation", [*(a.validation for a in shown), *(b.validation for b in references)]),
        ("test", [*(a.test for a in shown), *(b.test for b in references)]),
    ):
        for index, name in enumerate(scores[0]):
            role = "decides" if part == "validation" and name == metric else ""
            values = (_score(one.get(name)) for one in scores)
            rows.append((part if index == 0 else "", name, *values, role))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if best.test:
        lines += ["", "Validation rows chose the winner; test rows took no part in the search."]
    return lines


def _changes(best: Outcome, baseline: Outcome, trials: int) -> list[str]:
    if trials == 1:
        return ["", "Only the baseline was tried."]
    if best.trial == baseline.trial:
        return ["", "The baseline itself is the best: nothing that was tried beats it."]
    changed = changes(best.recipe, baseline.recipe)
    width = max((len(name) for name, _, _ in changed), default=0)
    return [
        "",
        "The best recipe changes the baseline:",
        *(f"  {name:<{width}}  {before} → {after}" for name, before, after in changed),
    ]


def _score(value: float | None) -> str:
    """Return a score with three digits, those after the point kept, so that columns compare."""
    if value is None or abs(value) >= 1000 or value == 0:
        return number(value)
    return f"{value:#.3g}".rstrip(".")
