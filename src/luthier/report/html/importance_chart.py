"""Importance: bars of what each parameter had to do with being among the best."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.report.axis import Axis
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import WIDTH, figure, svg
from luthier.report.importance import Importances

_ROW, _NAMES = 22, 150


def importance_chart(found: Importances, axes: Sequence[Axis], *, most: int = 12) -> Markup | None:
    """Return bars, the longest first; None where there is nothing to tell."""
    if not any(found.shares.values()):
        return None
    titles = {axis.name: axis.title for axis in axes}
    shown = list(found.shares.items())[:most]
    room = WIDTH - _NAMES - 50
    rows = []
    for index, (name, share) in enumerate(shown):
        top = index * _ROW + 4
        rows.append(
            tag(
                "g",
                tag("text", titles[name], x=_NAMES - 8, y=top + 13, class_="tick end"),
                tag("rect", x=_NAMES, y=top, width=round(max(share * room, 1), 1), height=16),
                tag(
                    "text",
                    f"{share * 100:.0f} %",
                    x=_NAMES + share * room + 6,
                    y=top + 13,
                    class_="tick",
                ),
                data_parameter=name,
                data_share=f"{share:.4f}",
            )
        )
    bias = (
        " The search looked where it was good, so what it soon settled shows as little."
        if found.biased
        else ""
    )
    return figure(
        "What mattered",
        svg(
            tag("g", *rows, class_="bars"),
            name="what each parameter had to do with being among the best",
            height=len(shown) * _ROW + 8,
        ),
        note=f"PED-ANOVA: in what the best {found.best} of {found.trials} trials, after "
        f"{found.epochs} epoch{'s' * (found.epochs != 1)}, differ from all, chance taken off. "
        f"What shows later it cannot tell.{bias}",
        id_="importance",
    )
