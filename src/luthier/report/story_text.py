"""A study's story on one screen of a terminal: what the page tells, from top to bottom."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from math import log

from luthier.core import Finding, Prescription, Trial, pareto_front
from luthier.core.show_text import calm_line, head, prescription_line
from luthier.core.sparkline import sparkline
from luthier.report.front import front_text
from luthier.report.importance import importance_text, importances
from luthier.report.live import best_so_far
from luthier.report.proof import brief_texts
from luthier.report.story import Story
from luthier.report.text import (
    changes,
    metrics_text,
    number,
    one_line,
    seconds,
    setting,
    trials_text,
)

TRIALS = 5  # listed unless more are asked for: the story is to fit a screen
_FINDINGS = 3
_INDENT = 10
_ORDER = 10.0  # times the lowest loss, from which on a line would show the first epochs alone
_CURVES = (("train_loss_eval", "training loss"), ("val_loss", "validation loss"))


def story_text(story: Story, *, trials: int = TRIALS, columns: int = 100) -> str:
    """Return the answer, why it won, how it trained, what was tried, what is wrong, how to go on.

    Args:
        story: What a page of the study is made of.
        trials: To list, the best first.
        columns: Of the screen. Commands alone are left as long as they are, so that they can be
            copied, and causes of failures are told in full.
    """
    record, about = story.record, story.record.about
    what = f"{about.get('model') or 'a network'} on {about.get('data') or 'data from Python'}"
    what = what if about.get("task") != "objective" else "an objective"
    title = f"{record.name}: {what}, {record.direction} {record.metric}"
    parts = (_answer, _why, _trained, partial(_search, trials=trials), _wrong, _again)
    blocks = [_fitting(title, columns)]
    blocks += [text for part in parts if (text := part(story, columns))]
    return "\n\n".join(blocks)


def _answer(story: Story, columns: int) -> str:
    history, best, baseline = story.history, story.history.best, story.baseline
    metric, say = story.record.metric, _said(columns)
    cost = f"{history.epochs:,} epochs in {seconds(history.seconds)}"
    cost += f": {trials_text(history.counts())}"
    if best is None:
        failed = [one for one in history.trials if one.state == "failed"]
        last = f" The last one: {_line(failed[-1].cause)}." if failed else ""
        return "\n".join([*say("answer", f"no trial has a score.{last}"), *say("cost", cost)])
    if baseline is None:
        told = f"trial {best.number} reaches {_scores(story, best)}, the best of "
        told += f"{len(history.trials)}."
    elif baseline.number == best.number:
        told = f"the baseline is the best: {_scores(story, best)} on validation rows."
    else:
        told = f"trial {best.number} reaches {_scores(story, best)} on validation rows, the "
        told += f"baseline {_scores(story, baseline)}."
    lines = say("answer", told)
    if story.proof is not None:
        first, *others = brief_texts(story.proof, metric)
        lines += say("verdict", first)
        for text in others:
            lines += say("", text)
    noted = [line for note in story.notes for line in say("note", note)]
    return "\n".join([*lines, *say("cost", cost), *noted])


def _scores(story: Story, trial: Trial) -> str:
    """Return what decides, and in brackets what else was measured when it was best."""
    metric, kept = story.record.metric, story.kept(trial)
    others = {} if kept is None else dict(trial.curves.epoch(kept - 1)["metrics"])
    others.pop(metric, None)
    if story.baseline is None:  # what an objective reports beside it has no name of a metric
        others = {}
    told = f"{metric} {number(story.history.score(trial))}"
    return f"{told} ({metrics_text(others)})" if others else told


def _why(story: Story, columns: int) -> str:
    best, baseline = story.history.best, story.baseline
    if best is None:
        return ""
    base = baseline or story.history.trials[0]
    say, found = _said(columns), importances(story.record, story.history.searched)
    changed = [f"{name} {old} → {new}" for name, old, new in changes(best.recipe, base.recipe)]
    if baseline is None:
        changed = [f"{key} {setting(value)}" for key, value in best.recipe.model.items()]
    lines = say("why", ", ".join(changed) or "nothing that was tried beats the baseline.")
    mattered = importance_text(found)
    return "\n".join([*lines, *(say("mattered", mattered) if mattered else ())])


def _trained(story: Story, columns: int) -> str:
    trials = story.history.trials
    trial = story.history.best or (trials[-1] if trials else None)
    if trial is None or not trial.epochs:
        return ""
    kept = story.kept(trial)
    text = f"trial {trial.number}: {trial.epochs} epochs"
    text += f", the weights of epoch {kept} are kept" if kept and story.baseline else ""
    lines = _said(columns)("trained", f"{text} (seed {trial.seed}, {trial.engine or 'by hand'})")
    width = max(10, min(40, columns - 60))
    for name, title in _CURVES:
        series = getattr(trial.curves, name)
        if series:
            ends = f"{number(series[0])} → {number(series[-1])}"
            lowest = min(series)
            ends += f", lowest {number(lowest)}" if lowest < series[-1] else ""
            lines.append(f"{'':{_INDENT}}{title:15}  {_falling(series, width)}  {ends}")
    return "\n".join(lines)


def _search(story: Story, columns: int, *, trials: int) -> str:
    history = story.history.searched
    if not history.trials:
        return f"{'search':{_INDENT}}no trial was begun yet."
    lines = []
    if course := best_so_far(history):
        width = max(10, min(40, columns - 60))
        ends = f"{number(course[0])} → {number(course[-1])}"
        lines = [f"{'search':{_INDENT}}{'best so far':15}  {sparkline(course, width)}  {ends}"]
    base = history.trials[0]
    if story.goals:
        lines.append(front_text(pareto_front(history, story.goals), base.recipe))
    ranked = sorted(history.trials, key=history.rank)
    rows = [("trial", "state", "epochs", history.metric)]
    rows += [
        (str(one.number), one.state, str(one.epochs), number(history.score(one)))
        for one in ranked[:trials]
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    told = ["what it changes", *(_told(one, base) for one in ranked[:trials])]
    failed = [False, *(one.state == "failed" for one in ranked[:trials])]
    for row, text, whole in zip(rows, told, failed, strict=True):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        first = f"{'':{_INDENT}}{cells}  "
        room = max(columns - len(first), 20)
        body = textwrap.wrap(text, room) if whole else [_fitting(text, room)]
        lines += [first + "".join(body[:1]), *(" " * len(first) + more for more in body[1:])]
    if len(ranked) > trials:
        lines.append(f"{'':{_INDENT}}and {len(ranked) - trials} more: --limit {len(ranked)}")
    return "\n".join(lines)


def _told(trial: Trial, base: Trial) -> str:
    """Return a trial's recipe by what differs from the first one's, or why it failed."""
    return _line(trial.cause) if trial.state == "failed" else one_line(trial.recipe, base.recipe)


def _wrong(story: Story, columns: int) -> str:
    say = _said(columns)
    # What the verdict says already is not said twice.
    known = () if story.proof is None else ("not_significant",)
    findings = [one for one in story.diagnosis.findings if one.problem not in known]
    if not story.history.trials:
        return ""
    lines: list[str] = []
    if all(one.severity == "info" for one in findings):
        lines = say("wrong", calm_line(findings, ""))
    for one in findings[:_FINDINGS]:
        lines += say("" if lines else "wrong", _finding(one))
        lines += [line for advice in one.prescriptions[:1] for line in _advice(advice, columns)]
    if len(findings) > _FINDINGS:
        lines += say("", f"and {len(findings) - _FINDINGS} more, in the report")
    return "\n".join(lines)


def _finding(one: Finding) -> str:
    return f"{head(one)}: {one.summary}"


def _advice(one: Prescription, columns: int) -> list[str]:
    margin = " " * _INDENT
    return textwrap.wrap(
        prescription_line(one), columns, initial_indent=f"{margin}do: ",
        subsequent_indent=f"{margin}    ", break_on_hyphens=False,
    )  # fmt: skip


def _again(story: Story, columns: int) -> str:
    lines: list[str] = []
    for command, what in story.commands:
        if command.startswith("luthier show "):  # that is this screen
            continue
        lines.append(f"{'' if lines else 'next':{_INDENT}}{command}")
        lines += textwrap.wrap(what, columns, initial_indent=" " * (_INDENT + 2))
    return "\n".join(lines)


def _said(columns: int) -> Callable[[str, str], list[str]]:
    """Return what writes a text behind a label, in lines of so many columns."""

    def said(label: str, text: str) -> list[str]:
        return textwrap.wrap(
            text, columns, initial_indent=f"{label:{_INDENT}}", subsequent_indent=" " * _INDENT,
            break_on_hyphens=False,
        )  # fmt: skip

    return said


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _fitting(text: str, room: int) -> str:
    return textwrap.shorten(text, room, placeholder=" …")


def _falling(series: Sequence[float], width: int) -> str:
    """Return a sparkline of a loss: of its logarithm where it falls by orders of magnitude."""
    wide = min(series) > 0 and max(series) > _ORDER * min(series)
    return sparkline([log(one) for one in series] if wide else series, width)
