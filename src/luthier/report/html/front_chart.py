"""The front: each goal against the metric, and the trials that no other one beats."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Compromise, Goal, History, value_of
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Plot, figure, svg
from luthier.report.scale import LOG_FROM, Scale
from luthier.report.text import number


def front_charts(
    history: History, goals: Sequence[Goal], front: Sequence[Compromise]
) -> list[Markup]:
    """Return one chart a goal: all trials, those of the front marked and joined."""
    return [chart for goal in goals if (chart := _chart(history, goal, front)) is not None]


def _chart(history: History, goal: Goal, front: Sequence[Compromise]) -> Markup | None:
    points = []
    for trial in history.searched.trials:
        epoch = trial.curves.best_epoch(history.metric, history.direction)
        cost, score = value_of(trial, goal.name, epoch), history.score(trial)
        if cost is not None and score is not None and trial.state != "failed":
            points.append((trial.number, cost, score))
    if not points or not front:
        return None
    x, y = (_scale([point[i] for point in points], i) for i in (1, 2))
    plot = Plot(x, y, goal.name, history.metric, x_whole=False)
    best = {one.trial.number for one in front}
    line = sorted((one.values[goal.name], one.values[history.metric]) for one in front)
    dots = [
        tag(
            "circle",
            tag("title", f"trial {n}: {history.metric} {number(s)}, {goal.name} {number(c)}"),
            cx=x(c),
            cy=y(s),
            r=5 if n in best else 3,
            class_="dot winner" if n in best else "dot",
        )
        for n, c, s in sorted(points, key=lambda point: point[0] in best)
    ]
    return figure(
        f"{history.metric} against {goal.name}",
        svg(
            plot.axes(),
            plot.line([a for a, _ in line], [b for _, b in line], "baseline"),
            tag("g", *dots),
            name=f"{len(front)} trials that no other beats, of {len(points)}",
            height=HEIGHT,
        ),
        note="Orange: trials that no other one beats in every goal.",
        id_=f"front-{goal.name}",
    )


def _scale(values: Sequence[float], axis: int) -> Scale:
    low, high = min(values), max(values)
    start, end = (LEFT, WIDTH - RIGHT) if axis == 1 else (HEIGHT - BOTTOM, TOP)
    return Scale(low, high, start, end, log=low > 0 and high > LOG_FROM * low)
