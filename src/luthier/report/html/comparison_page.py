"""A comparison as a page: the sentence, the plot, both beside each other."""

from __future__ import annotations

from luthier.report.comparison import Compared, detail_texts, table_rows
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import fragment, page, table
from luthier.report.html.verdict_chart import difference_chart, scores_chart


def comparison_page(found: Compared) -> str:
    """Return a comparison as one HTML document."""
    title = f"luthier: {found.a.name} against {found.b.name}"
    sections = [
        ("answer", "The answer", _answer(found)),
        ("numbers", "The numbers", _numbers(found)),
    ]
    return page(title, sections)


def comparison_fragment(found: Compared) -> str:
    """Return the same for a notebook."""
    return fragment(_answer(found), _numbers(found))


def _answer(found: Compared) -> Markup:
    parts: list[Child] = [tag("p", found.sentence, class_="verdict")]
    charts: list[Child] = []
    if found.verdict is not None:
        names = (found.a.name, found.b.name)
        charts.append(difference_chart(found.verdict, found.metric, *names))
    sides = [(side.name, side.scores) for side in (found.a, found.b)]
    if all(scores for _, scores in sides):
        charts.append(scores_chart(found.metric, sides))
    parts.append(tag("div", *charts, class_="grid-2"))
    return joined(parts)


def _numbers(found: Compared) -> Markup:
    rows: list[list[Child]] = [list(row) for row in table_rows(found)]
    parts: list[Child] = [table(["", found.a.name, found.b.name], rows)] if rows else []
    parts += [tag("p", text) for text in detail_texts(found)]
    if found.method:
        parts.append(tag("p", f"Method: {found.method}.", class_="note"))
    return joined(parts)
