"""What was measured of each part of a network, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Curves
from luthier.report.html.markup import Markup
from luthier.report.html.training_chart import series_chart

_LINES = 8  # parts drawn, each with a stroke of its own: more cannot be told apart


def signal_charts(curves: Curves) -> list[Markup]:
    """Return a chart for each kind of signal; what has no part of a network is left out.

    Names of signals are ``kind/part``. Where a kind has many parts, the first, the last and an
    even sample between them are drawn.
    """
    kinds: dict[str, list[tuple[str, Sequence[float]]]] = {}
    for name, series in curves.signals.items():
        kind, _, part = name.partition("/")
        if part:
            kinds.setdefault(kind, []).append((part, series))
    charts = []
    for index, (kind, parts) in enumerate(sorted(kinds.items())):
        drawn = _sample(parts)
        lines = [(f"part-{i}", part, series) for i, (part, series) in enumerate(drawn)]
        title = kind.replace("_", " ")
        charts.append(series_chart(title, title, lines, id_=f"signal-{index}"))
    return [one for one in charts if one is not None]


def _sample(
    parts: list[tuple[str, Sequence[float]]], most: int = _LINES
) -> list[tuple[str, Sequence[float]]]:
    if len(parts) <= most:
        return parts
    return [parts[index * (len(parts) - 1) // (most - 1)] for index in range(most)]
