"""Parallel coordinates: a line through all of a trial's values; axes are brushed to choose."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.core import History, Space
from luthier.report.axis import Axis, value_of
from luthier.report.html.markup import Markup, data, tag
from luthier.report.html.plot import figure, svg
from luthier.report.html.trials_chart import sampled

_STEP, _HEIGHT, _TOP, _BOTTOM, _SIDE = 92, 300, 34, 34, 50
_UNUSED = -0.08  # below the axis: where a parameter plays no part, as momentum does for Adam
_BEST = 0.1  # the share of the trials whose lines stand out


def parallel_chart(
    space: Space, history: History, axes: Sequence[Axis], score: Axis, *, most: int = 1500
) -> Markup | None:
    """Return the chart with what its script needs to answer brushes; None without an axis.

    Args:
        space: What was searched.
        history: The trials.
        axes: Parameters, the most important first.
        score: The last axis.
        most: Lines drawn, chosen as curves are. Brushes choose among these.
    """
    scored = [trial for trial in history.trials if history.loss(trial) != math.inf]
    if not axes or not scored:
        return None
    drawn = sorted(sampled(history, scored, most), key=lambda one: (history.loss(one), one.number))
    shown = [*axes, score]
    rows = [
        [
            *(_rounded(axis.place(value_of(space, axis.name, trial.recipe))) for axis in axes),
            _rounded(score.place(history.score(trial))),
        ]
        for trial in drawn
    ]
    best = max(1, round(_BEST * len(drawn)))
    width = 2 * _SIDE + _STEP * (len(shown) - 1)
    groups = [
        tag("path", d=lines(rows[best:]), class_="line rest", data_n=len(rows) - best),
        tag("path", d=lines(rows[:best]), class_="line best", data_n=best),
        tag("path", d=lines(rows[:1]), class_="line winner"),
        tag("path", d="", class_="line picked"),
    ]
    drawing = svg(
        tag("g", *groups, class_="lines"),
        *(_axis(index, axis) for index, axis in enumerate(shown)),
        name=f"{len(drawn)} trials across {len(axes)} parameters and {history.metric}",
        width=width,
        height=_HEIGHT,
    )
    told = data(
        {
            "rows": rows,
            "trials": [trial.number for trial in drawn],
            "scores": [history.score(trial) for trial in drawn],
            "metric": history.metric,
            "step": _STEP,
            "side": _SIDE,
            "top": _TOP,
            "bottom": _HEIGHT - _BOTTOM,
        }
    )
    left_out = len(scored) - len(drawn)
    sample = f" {len(drawn)} of {len(scored):,} trials are drawn: the best, and a sample."
    return figure(
        "All parameters at once",
        tag("div", drawing, class_="wide"),
        tag("output", class_="readout", aria_live="polite"),
        told,
        note="Orange: the winner; strong: the best tenth. Drag along an axis to choose trials, "
        "tap it to clear; below an axis pass the trials that do not use it. By keyboard: focus an "
        "axis, arrows move the choice, with Shift they widen it, Escape clears."
        f"{sample if left_out else ''}",
        id_="parallel",
    )


def place_x(index: int) -> int:
    """Return where an axis stands."""
    return _SIDE + _STEP * index


def place_y(share: float) -> float:
    """Return where on an axis a share of [0, 1] lies."""
    return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP), 1)


def lines(rows: Sequence[Sequence[float]]) -> str:
    """Return one path of many lines.

    >>> lines([[0.0, 1.0], [0.5, 0.5]])
    'M50 266L142 34M50 150L142 150'
    """
    return "".join(
        "M" + "L".join(f"{place_x(i)} {place_y(share):g}" for i, share in enumerate(row))
        for row in rows
    )


def _axis(index: int, axis: Axis) -> Markup:
    x = place_x(index)
    ticks = [
        tag("text", text[:12], x=x - 5, y=place_y(share) + 4, class_="tick end")
        for share, text in axis.ticks()
    ]
    return tag(
        "g",
        tag("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="spine"),
        *ticks,
        tag("text", axis.title[:15], x=x, y=16 if index % 2 == 0 else 27, class_="label"),
        tag("rect", x=x - 8, y=_TOP, width=16, height=0, class_="brush"),
        tag(
            "rect",
            x=x - 22,
            y=_TOP - 8,
            width=44,
            height=_HEIGHT - _BOTTOM - _TOP + 16,
            class_="grip",
        ),
        class_="axis",
        tabindex=0,
        role="slider",
        aria_label=f"choose by {axis.title}",
        aria_valuetext="all",
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=50,
        data_axis=index,
        data_name=axis.name,
    )


def _rounded(place: float | None) -> float:
    return _UNUSED if place is None else round(place, 4)
