"""Slices and isolation plots: scores by one parameter, all of them and the best of each part."""

from __future__ import annotations

import math

from luthier.core import History, Space
from luthier.report.axis import Axis, value_of
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import BOTTOM, HEIGHT, LEFT, TOP, Plot, figure, scales_area, svg
from luthier.report.html.trials_chart import sampled
from luthier.report.importance import isolation
from luthier.report.scale import Scale
from luthier.report.text import number, tick


def slice_chart(
    space: Space, history: History, axis: Axis, score: Axis, *, most: int = 1500
) -> Markup:
    """Return every trial's score by one parameter, and a line through the best of each part.

    Args:
        space: What was searched.
        history: The trials.
        axis: The parameter's.
        score: The score's.
        most: Points drawn, chosen as curves are.
    """
    across, up = scales_area()
    x = Scale(0.0, 1.0, across[0] + 8, across[1] - 8)
    low, high, log = (
        (score.scale.low, score.scale.high, score.scale.log) if score.scale else (0.0, 1.0, False)
    )
    plot = Plot(x, Scale(low, high, *up, log), axis.title, history.metric)
    scored = [trial for trial in history.trials if history.loss(trial) != math.inf]
    dots: dict[str, list[tuple[float, float]]] = {"finished": [], "stopped": []}
    for trial in sampled(history, scored, most):
        place = axis.place(value_of(space, axis.name, trial.recipe))
        if place is not None:
            kind = "finished" if trial.state == "finished" else "stopped"
            dots[kind].append((place, history.score(trial) or 0.0))
    marks = [plot.dots(points, kind) for kind, points in reversed(dots.items())]
    best = [(one.place, one.score) for one in isolation(space, history, axis, scored)]
    if axis.scale is not None:  # choices have no order that a line could follow
        marks.append(plot.line([p for p, _ in best], [s for _, s in best], "val"))
    marks.append(plot.dots(best, "val"))
    marked = [(scored[0], "base"), (history.best, "winner")] if scored else []
    for one, class_ in marked:
        place = None if one is None else axis.place(value_of(space, axis.name, one.recipe))
        if one is not None and place is not None:
            marks.append(plot.dots([(place, history.score(one) or 0.0)], class_))
    told = ", ".join(f"{number(s)}" for _, s in best)
    return figure(
        axis.title,
        svg(_axes(plot, axis), *marks, name=f"best {history.metric} by {axis.title}: {told}"),
        class_="slice",
        id_=f"slice-{axis.name}",
    )


def _axes(plot: Plot, axis: Axis) -> Markup:
    parts = []
    bottom, width = HEIGHT - BOTTOM, plot.x.end
    for value in plot.y.ticks(4):
        place = plot.y(value)
        parts += [
            tag("line", x1=LEFT, x2=width, y1=place, y2=place, class_="grid"),
            tag("text", tick(value), x=LEFT - 6, y=place + 4, class_="tick end"),
        ]
    for place, text in axis.ticks():
        at = plot.x(place)
        parts += [
            tag("line", x1=at, x2=at, y1=TOP, y2=bottom, class_="grid"),
            tag("text", text[:14], x=at, y=bottom + 16, class_="tick mid"),
        ]
    parts += [
        tag("text", axis.title, x=(LEFT + width) / 2, y=HEIGHT - 6, class_="label"),
        tag(
            "text",
            plot.y_label,
            x=-(TOP + bottom) / 2,
            y=12,
            transform="rotate(-90)",
            class_="label",
        ),
    ]
    return tag("g", *parts, aria_hidden="true")
