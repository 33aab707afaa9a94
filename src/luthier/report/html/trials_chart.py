"""Every trial's curve of the deciding metric; those that were stopped early are dimmed."""

from __future__ import annotations

from luthier.core import History, Trial
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import Plot, figure, legend, scales_area, svg
from luthier.report.scale import scale_over


def trials_chart(history: History, *, most: int = 600) -> Markup | None:
    """Return every trial's curve; None where none has one.

    Args:
        history: The trials.
        most: Curves drawn: more cannot be told apart and take long to draw. The better half of
            them are the best trials, the others an even sample of the rest.
    """
    seen = [trial for trial in history.trials if trial.curves.metrics.get(history.metric)]
    if not seen:
        return None
    drawn = sampled(history, seen, most)
    across, up = scales_area()
    longest = max(trial.epochs for trial in drawn)
    values = [value for trial in drawn for value in trial.curves.metrics[history.metric]]
    plot = Plot(
        scale_over([1, longest], *across, logarithmic=False),
        # Of a hundred trials a few diverge.
        scale_over(values, *up, outliers=0.03 if history.direction == "minimize" else 0.0),
        "epoch",
        history.metric,
    )
    best = history.best
    ranked = sorted(drawn, key=lambda trial: trial.state != "finished", reverse=True)
    lines = [_line(plot, history, trial) for trial in ranked if trial is not best]
    if best is not None:
        lines.append(_line(plot, history, best, "winner"))
    left_out = len(seen) - len(drawn)
    note = "Values beyond the chart's upper end are drawn at it."
    if left_out:
        note = f"{len(drawn)} of {len(seen):,} drawn: the best, and an even sample. {note}"
    return figure(
        "Every trial",
        svg(plot.axes(), *lines, name=f"{history.metric} of {len(drawn)} trials by epoch"),
        legend(
            [
                ("winner", "the winner"),
                ("finished", "trained to its end"),
                ("stopped", "stopped early, or still to go on"),
                ("failed", "failed"),
            ]
        ),
        note=note,
        id_="trials",
    )


def sampled(history: History, trials: list[Trial], most: int) -> list[Trial]:
    """Return at most so many trials: the best for one half, an even sample for the other."""
    if len(trials) <= most:
        return trials
    ranked = sorted(trials, key=history.rank)
    best, others = ranked[: most // 2], ranked[most // 2 :]
    count = most - len(best)
    return best + [others[index * len(others) // count] for index in range(count)]


def _line(plot: Plot, history: History, trial: Trial, class_: str = "") -> Markup:
    series = trial.curves.metrics[history.metric]
    kind = trial.state if trial.state in ("finished", "failed") else "stopped"
    return tag(
        "g",
        tag("title", f"trial {trial.number}, {trial.state}"),
        plot.line(range(1, len(series) + 1), series, class_ or kind),
        data_trial=trial.number,
    )
