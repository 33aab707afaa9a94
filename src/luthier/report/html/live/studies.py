"""All studies of a storage."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import History, StudyRecord
from luthier.report.html.live.links import address
from luthier.report.html.markup import Child, Markup, tag
from luthier.report.html.page import Served, page, table
from luthier.report.text import number, seconds


def studies_page(found: Sequence[tuple[StudyRecord, History]], storage: str, token: str) -> str:
    """Return all studies of a storage, the newest first."""
    content = _studies(found) if found else tag("p", "No study yet. Begin one: luthier tune digits")
    lead = tag("p", storage, class_="lead")
    return page("luthier", [("studies", "Studies", content)], lead, Served(token))


def _studies(found: Sequence[tuple[StudyRecord, History]]) -> Markup:
    rows: list[list[Child]] = []
    for record, history in reversed(found):
        best = history.best
        score = "–" if best is None else f"{record.metric} {number(history.score(best))}"
        counts = history.counts()
        rows.append(
            [
                tag("a", record.name, href=address(record.name)),
                f"{counts['running']} running" if counts["running"] else "–",
                len(history.trials),
                f"{history.epochs:,}",
                seconds(history.seconds),
                score,
                (record.about.get("proof") or {}).get("verdict") or "–",
                record.about.get("data") or "Python objects",
            ]
        )
    head = ["study", "now", "trials", "epochs", "time", "best", "verdict", "data"]
    return table(head, rows, class_="studies")
