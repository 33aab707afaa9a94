"""How one training went: its curves, with findings marked at the epoch where they began."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.core import Curves, Finding
from luthier.report.html.markup import Markup, data, tag
from luthier.report.html.plot import BOTTOM, HEIGHT, TOP, Plot, figure, legend, scales_area, svg
from luthier.report.scale import scale_over

_FEW = 12  # markers that still can be told apart


def loss_chart(
    curves: Curves,
    findings: Sequence[Finding] = (),
    *,
    best_epoch: int | None = None,
    baseline: Curves | None = None,
    beside: str = "the baseline",
    id_: str = "losses",
) -> Markup | None:
    """Return training and validation loss; None where neither was seen.

    Args:
        curves: Of the training.
        findings: What was found; its place in the list is its number in the chart.
        best_epoch: The epoch whose weights are kept.
        baseline: Curves to compare with.
        beside: Whose they are.
        id_: The figure's.
    """
    train = curves.train_loss_eval or curves.train_loss
    lines = [("val", "validation loss", curves.val_loss), ("train", "training loss", train)]
    if baseline is not None and baseline.val_loss:
        lines.append(("base", f"validation loss of {beside}", baseline.val_loss))
    return series_chart("Loss", "loss", lines, findings, best_epoch, id_=id_)


def metric_charts(
    curves: Curves,
    *,
    baseline: Curves | None = None,
    beside: str = "the baseline",
    best_epoch: int | None = None,
) -> list[Markup]:
    """Return a chart for each metric that is not the loss itself, and for the learning rate."""
    found = []
    for index, (name, series) in enumerate(curves.metrics.items()):
        if _alike(series, curves.val_loss):
            continue
        lines = [("val", f"validation {name}", series)]
        if baseline is not None and baseline.metrics.get(name):
            lines.append(("base", f"that of {beside}", baseline.metrics[name]))
        found.append(series_chart(name, name, lines, (), best_epoch, id_=f"metric-{index}"))
    rates = [("rate", "learning rate", curves.learning_rate)]
    norms = [("rate", "gradient norm", curves.signals.get("gradient_norm", ()))]
    found.append(series_chart("Learning rate", "learning rate", rates, id_="rates"))
    found.append(series_chart("Gradient norm", "gradient norm", norms, id_="gradients"))
    return [one for one in found if one is not None]


def series_chart(
    title: str,
    label: str,
    lines: Sequence[tuple[str, str, Sequence[float]]],
    findings: Sequence[Finding] = (),
    best_epoch: int | None = None,
    *,
    id_: str,
) -> Markup | None:
    """Return series by epoch; None where none has a value.

    Args:
        title: Above the chart.
        label: Of the axis of values.
        lines: Class of the stroke, name and values of each.
        findings: Marked where they began.
        best_epoch: Marked too.
        id_: The figure's.
    """
    lines = [one for one in lines if one[2]]
    if not lines:
        return None
    longest = max(len(series) for _, _, series in lines)
    epochs = range(1, longest + 1)
    across, up = scales_area()
    values = [value for _, _, series in lines for value in series]
    plot = Plot(
        scale_over([1, longest], *across, logarithmic=False),
        scale_over(values, *up),
        "epoch",
        label,
    )
    marks = [plot.line(epochs, series, class_) for class_, _, series in lines]
    if best_epoch is not None and best_epoch <= longest:
        place = plot.x(best_epoch)
        marks.append(
            tag(
                "g",
                tag("line", x1=place, x2=place, y1=TOP, y2=HEIGHT - BOTTOM, class_="kept"),
                tag("title", f"weights of epoch {best_epoch} are kept"),
            )
        )
    marks += [_mark(plot, i, one) for i, one in enumerate(findings[:_FEW], 1) if one.since]
    shown = [(class_, name) for class_, name, _ in lines]
    if best_epoch is not None:
        shown.append(("kept", f"kept: epoch {best_epoch}"))
    told = data(
        {
            "x": list(epochs),
            "left": plot.x(1),
            "right": plot.x(longest),
            "series": [{"name": name, "y": list(series)} for _, name, series in lines],
            "notes": {str(one.since): one.problem for one in findings if one.since},
        }
    )
    return figure(
        title,
        svg(plot.axes(), *marks, name=f"{title} over {longest} epochs"),
        legend(shown),
        tag("output", class_="readout", aria_live="polite"),
        told,
        id_=id_,
        class_="curves",
    )


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether a metric is the loss by another name, but for rounding."""
    pairs = list(zip(one, other, strict=False))
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-3) or not math.isfinite(a + b) for a, b in pairs
    )


def _mark(plot: Plot, index: int, finding: Finding) -> Markup:
    place = plot.x(finding.since or 1)
    height = TOP + 10 + 18 * ((index - 1) % 3)
    return tag(
        "a",
        tag("title", f"{finding.problem} since epoch {finding.since}"),
        tag("line", x1=place, x2=place, y1=TOP, y2=HEIGHT - BOTTOM, class_="mark"),
        tag("circle", cx=place, cy=height, r=8, class_=f"pin {finding.severity}"),
        tag("text", index, x=place, y=height + 4, class_="pin-text"),
        href=f"#finding-{index}",
        data_problem=finding.problem,
        data_epoch=finding.since,
    )
