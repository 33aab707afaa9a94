"""Importance: bars of how much of the trials' ranks each parameter explains by itself."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import History, Space
from luthier.report.html.axis import Axis, value_of
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import WIDTH, figure, svg
from luthier.report.importance import bin_of, bins_for, common_epochs, compared, explained

_ROW, _NAMES, _ENOUGH = 22, 150, 16  # trials; below that, ranks explain themselves


def importances(space: Space, history: History, axes: Sequence[Axis]) -> dict[str, float]:
    """Return what each parameter explains, the most important first; empty for a few trials."""
    pairs = compared(history, common_epochs(history))
    if len(pairs) < _ENOUGH:
        return {}
    bins, losses = bins_for(len(pairs)), [loss for _, loss in pairs]
    found: dict[str, float] = {}
    for axis in axes:
        values = [value_of(space, axis.name, trial.recipe) for trial, _ in pairs]
        groups = [bin_of(axis.place(v), bins) if axis.scale else v for v in values]
        if (share := explained(groups, losses)) is not None:
            found[axis.name] = share
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def importance_chart(
    shares: dict[str, float], axes: Sequence[Axis], history: History, *, most: int = 12
) -> Markup | None:
    """Return bars, the longest first; None where there is nothing to tell."""
    if not shares:
        return None
    titles = {axis.name: axis.title for axis in axes}
    shown = list(shares.items())[:most]
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
    epochs = common_epochs(history)
    return figure(
        "What mattered",
        svg(
            tag("g", *rows, class_="bars"),
            name="share of the ranks that each parameter explains",
            height=len(shown) * _ROW + 8,
        ),
        note=f"Share of the trials' ranks after {epochs} epoch{'s' * (epochs != 1)} that each "
        "parameter explains by itself, chance taken off. What two only do together, and what "
        "shows later, it cannot tell.",
        id_="importance",
    )
