"""Findings, each with its evidence and what to do, in the order in which to act on them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.core import Diagnosis, Finding
from luthier.core.show_text import calm_line, curves_of, evidence_line, head
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import path
from luthier.report.scale import scale_over


def findings_list(diagnosis: Diagnosis) -> Markup:
    """Return every finding, numbered as charts number them, or the calm line."""
    parts = []
    if diagnosis.healthy:
        parts.append(tag("p", calm_line(diagnosis.findings, diagnosis.looked_at)))
    if diagnosis.findings:
        items = [_finding(i, one) for i, one in enumerate(diagnosis.findings, 1)]
        parts.append(tag("ol", *items, class_="findings"))
    if not diagnosis.healthy and diagnosis.looked_at:
        parts.append(tag("p", f"Looked at {diagnosis.looked_at}.", class_="note"))
    parts += [tag("p", f"note: {one}", class_="note") for one in diagnosis.notes]
    return tag("div", *parts)


def _finding(index: int, finding: Finding) -> Markup:
    facts = evidence_line(finding.evidence)
    curves = [_curve(name, series) for name, series in curves_of(finding.evidence).items()]
    advice = [
        tag("li", one.advice, tag("code", one.settings) if one.change else None)
        for one in finding.prescriptions
    ]
    return tag(
        "li",
        tag("h3", tag("span", index, class_=f"badge {finding.severity}"), head(finding)),
        tag("p", finding.summary),
        tag("p", *curves, class_="evidence") if curves else None,
        tag("p", facts, class_="note") if facts else None,
        tag("h4", "What to do") if advice else None,
        tag("ol", *advice, class_="advice") if advice else None,
        tag("p", f"It explains: {', '.join(finding.consequences)}", class_="note")
        if finding.consequences
        else None,
        id=f"finding-{index}",
        data_problem=finding.problem,
    )


def _curve(name: str, series: Sequence[float]) -> Markup:
    x = scale_over([0, max(len(series) - 1, 1)], 2, 118, logarithmic=False)
    y = scale_over(series, 26, 4)
    finite = [value for value in series if math.isfinite(value)]
    ends = f"{name}: from {finite[0]:.3g} to {finite[-1]:.3g}" if finite else name
    return tag(
        "span",
        tag(
            "svg",
            tag("path", d=path(x, y, range(len(series)), series), class_="line val"),
            viewBox="0 0 120 30",
            role="img",
            aria_label=ends,
        ),
        name,
    )
