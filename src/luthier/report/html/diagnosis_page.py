"""One training's diagnosis as a page: what is wrong, and where in the curves it shows."""

from __future__ import annotations

from luthier.core import Curves, Diagnosis
from luthier.report.html.findings import findings_list
from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.html.page import page
from luthier.report.html.training_chart import loss_chart, metric_charts


def diagnosis_page(diagnosis: Diagnosis, curves: Curves | None = None, title: str = "") -> str:
    """Return a diagnosis as one HTML document.

    Args:
        diagnosis: What was found.
        curves: What it was found in; None where only the findings are at hand.
        title: What was looked at.

    >>> page = diagnosis_page(Diagnosis("run", looked_at="3 epochs"), title="<a.csv>")
    >>> "<h1>luthier: &lt;a.csv&gt;</h1>" in page, "Nothing wrong found." in page
    (True, True)
    """
    sections = [("findings", "What is wrong", findings_list(diagnosis))]
    if curves is not None and len(curves):
        sections.append(("training", "How it trained", _curves(diagnosis, curves)))
    return page(f"luthier: {title or diagnosis.of}", sections)


def _curves(diagnosis: Diagnosis, curves: Curves) -> Markup:
    charts: list[Child] = [loss_chart(curves, diagnosis.findings), *metric_charts(curves)]
    return joined([tag("div", *charts, class_="grid-2")])
