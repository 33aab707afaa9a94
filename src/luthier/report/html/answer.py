"""The answer: who won, by how much, against what, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luthier.core import Trial
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import table
from luthier.report.html.verdict_chart import difference_chart, scores_chart
from luthier.report.proof import proof_texts
from luthier.report.story import Story
from luthier.report.text import number, seconds, trials_text


def answer(story: Story) -> Markup:
    """Return the first thing to read."""
    history, best = story.history, story.history.best
    cost = (
        f"{history.epochs:,} epochs in {seconds(history.seconds)}: {trials_text(history.counts())}"
    )
    if best is None:
        return joined([tag("p", "No trial has a score.", class_="verdict"), tag("p", cost)])
    summary = story.summary
    parts = [
        tag("p", _sentence(story, best), class_="verdict"),
        _proof(story),
        _scores(story, best),
        tag("p", tag("b", "Cost: "), cost, "."),
    ]
    if any(_part(summary, "best", "test").values()):
        words = "Validation rows chose the winner; test rows took no part in the search."
        times = summary.get("test_openings") or 0
        if times:
            often = "once" if times == 1 else f"{times} times"
            words += f" They were opened {often} before: what was chosen by them flatters."
        parts.append(tag("p", words, class_="note"))
    else:
        words = "Validation rows chose the winner, so its score flatters it."
        parts.append(tag("p", words, class_="note"))
    parts += [tag("p", f"note: {one}", class_="note") for one in story.notes]
    return joined(parts)


def _sentence(story: Story, best: Trial) -> str:
    history, baseline, metric = story.history, story.baseline, story.record.metric
    score = number(history.score(best))
    said = f"Trial {best.number} reaches {metric} {score}"
    if baseline is None:
        return f"{said}, the best of {len(history.trials)}."
    if baseline.number == best.number:
        return f"The baseline is the best: {metric} {score}."
    said += f" on validation rows, against {number(history.score(baseline))} of the baseline."
    return said


def _proof(story: Story) -> Markup | None:
    """Return what fresh trainings of winner and baseline came to, with its plots."""
    proof = story.proof
    if proof is None:
        return None
    metric = story.record.metric
    first, *others = proof_texts(proof, metric)
    verdict = proof.verdict
    if verdict is None:
        return tag("p", tag("b", "Verdict: "), joined([first, *(f" {one}" for one in others)]))
    names = ("the winner", "the baseline")
    sides = list(zip(names, (proof.best, proof.baseline), strict=True))
    charts = [difference_chart(verdict, metric, *names), scores_chart(metric, sides)]
    return tag(
        "div",
        tag("p", tag("b", "Verdict: "), first),
        tag("div", *charts, class_="grid-2"),
        *(tag("p", one, class_="note") for one in others),
        tag("p", f"Method: {proof.method}.", class_="note"),
        id="verdict",
    )


def _scores(story: Story, best: Trial) -> Markup:
    shown = [("winner", "best", best)]
    if story.baseline is not None and story.baseline.number != best.number:
        shown.append(("baseline", "baseline", story.baseline))
    others = story.summary.get("references") or []
    head = ["", *(f"{title}, trial {trial.number}" for title, _, trial in shown)]
    head += [f"{one['name']}, untuned" for one in others]
    validation = [_validation(story, trial) for _, _, trial in shown]
    validation += [one["validation"] for one in others]
    rows: list[list[Child]] = [
        [
            f"validation {name}" + (" (decides)" if name == story.record.metric else ""),
            *(number(one.get(name)) for one in validation),
        ]
        for name in validation[0]
    ]
    tests = [_part(story.summary, key, "test") for _, key, _ in shown]
    tests += [one["test"] or {} for one in others]
    rows += [[f"test {name}", *(number(one.get(name)) for one in tests)] for name in tests[0]]
    proof = story.proof
    if proof is not None and proof.verdict is not None and len(shown) == 2:
        intervals = (proof.best_interval, proof.baseline_interval)
        name = f"test {story.record.metric}, 95 % over fresh seeds"
        rows.append([name, *(_interval(one) for one in intervals), *("" for _ in others)])
    return table(head, rows, class_="scores")


def _validation(story: Story, trial: Trial) -> Mapping[str, float]:
    kept = story.kept(trial)
    return {} if kept is None else trial.curves.epoch(kept - 1)["metrics"]


def _part(summary: Mapping[str, Any], which: str, part: str) -> Mapping[str, Any]:
    return (summary.get(which) or {}).get(part) or {}


def _interval(value: Any) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return f"{number(value[0])} to {number(value[1])}"
    return "–" if value is None else str(value)
