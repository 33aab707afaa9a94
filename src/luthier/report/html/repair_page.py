"""A repair as a page: the sentence, the changes, the proof, all that was tried."""

from __future__ import annotations

from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import fragment, page, table
from luthier.report.html.verdict_chart import difference_chart, scores_chart
from luthier.report.repair import Repaired, change_text, verdict_texts


def repair_page(found: Repaired) -> str:
    """Return a repair as one HTML document."""
    sections = [
        ("answer", "The answer", _answer(found)),
        ("findings", "What was wrong", _findings(found)),
        ("tried", "What was tried", _tried(found)),
    ]
    return page("luthier: repair", sections)


def repair_fragment(found: Repaired) -> str:
    """Return the same for a notebook."""
    return fragment(_answer(found), _findings(found), _tried(found))


def _answer(found: Repaired) -> Markup:
    parts: list[Child] = [tag("p", found.sentence, class_="verdict")]
    if found.changes:
        parts.append(tag("ol", *(tag("li", *_change(found, i)) for i in _numbers(found))))
    charts: list[Child] = []
    if found.verdict is not None:
        charts.append(difference_chart(found.verdict, found.metric, "after", "before"))
    if found.before and found.after:
        charts.append(
            scores_chart(found.metric, [("after", found.after), ("before", found.before)])
        )
    if charts:
        parts.append(tag("div", *charts, class_="grid-2"))
    parts += [tag("p", text) for text in (*verdict_texts(found), f"It took {found.cost}.")]
    if found.to_do:
        parts.append(tag("ul", *(tag("li", text) for text in found.to_do)))
    return joined(parts)


def _numbers(found: Repaired) -> range:
    return range(len(found.changes))


def _change(found: Repaired, index: int) -> list[Child]:
    change = found.changes[index]
    parts: list[Child] = [change_text(change, found.metric)]
    if change.code:
        parts.append(tag("pre", tag("code", "\n".join(change.code))))
    return parts


def _findings(found: Repaired) -> Markup:
    rows: list[list[Child]] = [
        [one.severity, one.problem, one.summary] for one in found.diagnosis.findings
    ]
    if not rows:
        return joined([tag("p", "Nothing.")])
    return joined([table(["severity", "problem", "what shows it"], rows)])


def _tried(found: Repaired) -> Markup:
    rows: list[list[Child]] = [
        [
            one.advice,
            one.problem,
            "–" if one.score is None else f"{one.score:.4g}",
            str(one.epochs),
            "taken" if one.taken else "",
        ]
        for one in found.tried
    ]
    if not rows:
        return joined([tag("p", "Nothing.")])
    head = ["change", "against", f"validation {found.metric}", "epochs", ""]
    return joined([table(head, rows)])
