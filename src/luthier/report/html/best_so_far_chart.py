"""How the search went: the best score so far, by epochs spent and by time."""

from __future__ import annotations

import math
from collections.abc import Callable

from luthier.core import History, Trial
from luthier.report.html.markup import Markup, data, tag
from luthier.report.html.plot import Plot, figure, scales_area, svg
from luthier.report.scale import scale_over


def best_so_far_chart(history: History, by: str) -> Markup | None:
    """Return the best score after each trial; None where no trial has one.

    Args:
        history: The trials.
        by: ``epochs`` or ``seconds`` of training.
    """
    cost: Callable[[Trial], float] = (
        (lambda trial: trial.epochs)
        if by == "epochs"
        else (lambda trial: math.fsum(one for one in trial.curves.seconds if math.isfinite(one)))
    )
    best, spent, steps = math.inf, 0.0, []
    for trial in history.trials:
        spent += cost(trial)
        if (loss := history.loss(trial)) < best:
            best = loss
            steps.append((spent, history.score(trial) or 0.0, trial.number))
    if not steps or spent <= 0:
        return None
    across, up = scales_area()
    plot = Plot(
        scale_over([0.0, spent], *across, logarithmic=False),
        scale_over([score for _, score, _ in steps], *up),
        "epochs, all trials" if by == "epochs" else "seconds of training, all trials",
        history.metric,
    )
    corners = [(steps[0][0], steps[0][1])]
    for (x, score, _), (_, before, _) in zip(steps[1:], steps, strict=False):
        corners += [(x, before), (x, score)]
    corners.append((spent, steps[-1][1]))
    return figure(
        f"Best {history.metric} so far, by {by}",
        svg(
            plot.axes(),
            plot.line([x for x, _ in corners], [y for _, y in corners], "val"),
            plot.dots([(x, score) for x, score, _ in steps], "winner"),
            name=f"best {history.metric} so far over {spent:.0f} {by}",
        ),
        tag("output", class_="readout", aria_live="polite"),
        data(
            {
                "x": [x for x, _, _ in steps],
                "left": plot.x(0.0),
                "right": plot.x(spent),
                "low": 0.0,
                "high": spent,
                "unit": by,
                "series": [
                    {"name": history.metric, "y": [score for _, score, _ in steps]},
                    {"name": "trial", "y": [number for _, _, number in steps]},
                ],
            }
        ),
        note="Trials in the order in which they began, each with its best score.",
        id_=f"best-by-{by}",
        class_="curves",
    )
