"""A verdict to look at: the difference with its interval, and every training's score."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import Verdict
from luthier.report.amounts import signed
from luthier.report.html.markup import Markup, tag
from luthier.report.html.plot import LEFT, RIGHT, WIDTH, figure, legend, svg
from luthier.report.scale import Scale, scale_over
from luthier.report.text import tick

_HEIGHT, _TOP, _BOTTOM = 150, 14, 44


def difference_chart(verdict: Verdict, metric: str, one: str, other: str) -> Markup:
    """Return the gain of one over the other, with its interval and what does not matter.

    Args:
        verdict: What was judged.
        metric: In whose units.
        one: Name of what gains.
        other: Name of what it gains on.
    """
    low, high = verdict.interval
    margin = verdict.min_difference or 0.0
    # The verdict turns on 0, so 0 is always in sight.
    held = (low, high, 0.0, margin, -margin)
    pad = 0.08 * (max(held) - min(held) or 1.0)
    ends = (min(held) - pad, max(held) + pad)
    across = scale_over(ends, LEFT, WIDTH - RIGHT, logarithmic=False)
    middle, bottom = (_TOP + _HEIGHT - _BOTTOM) / 2, _HEIGHT - _BOTTOM
    band = None
    if margin:
        left, right = across(-margin), across(margin)
        band = tag(
            "rect", x=left, y=_TOP, width=right - left, height=bottom - _TOP, class_="margin"
        )
    noise = None
    if verdict.seed_interval is not None and verdict.rows:
        ends_of_noise = [across(value) for value in verdict.seed_interval]
        noise = tag(
            "path",
            d=f"M{ends_of_noise[0]:g} {middle + 16:g}H{ends_of_noise[1]:g}",
            class_="line base",
        )
    place = across(verdict.difference)
    marks = [
        band,
        _axis(across, bottom),
        tag("line", x1=across(0.0), x2=across(0.0), y1=_TOP, y2=bottom, class_="zero"),
        noise,
        tag("path", d=f"M{across(low):g} {middle:g}H{across(high):g}", class_="line reach"),
        tag("path", d=f"M{place:g} {middle:g}h0", class_="dots winner"),
        tag(
            "text",
            f"gain of {one} over {other}, {metric}",
            x=(LEFT + WIDTH - RIGHT) / 2,
            y=_HEIGHT - 8,
            class_="label",
        ),
    ]
    said = f"{signed(verdict.difference)}, 95 % interval {signed(low)} to {signed(high)}"
    shown = [("reach", "95 % interval over fresh trainings and rows")]
    if verdict.seed_interval is None:
        shown = [("reach", "95 % interval over fresh rows")]
    elif not verdict.rows:
        shown = [("reach", "95 % interval over fresh runs")]
    else:
        shown.append(("base", "noise of training on these rows alone"))
    if margin:
        shown.append(("margin-key", f"differences below {margin:g} do not matter"))
    return figure(
        _title(verdict, one),
        svg(*marks, name=f"gain of {one} over {other}: {said}", height=_HEIGHT),
        legend(shown),
        tag("p", f"{said}. Right of 0, {one} is better.", class_="note"),
        id_="difference",
    )


def scores_chart(metric: str, sides: Sequence[tuple[str, Sequence[float]]]) -> Markup:
    """Return the score of every training, a line for each of the compared.

    Args:
        metric: What is shown.
        sides: Name and scores of each.
    """
    across = scale_over(
        [score for _, scores in sides for score in scores],
        LEFT + 56,  # names stand left of it
        WIDTH - RIGHT,
        logarithmic=False,
    )
    bottom = _HEIGHT - _BOTTOM
    step = (bottom - _TOP) / len(sides)
    marks: list[Markup] = [_axis(across, bottom)]
    for index, (name, scores) in enumerate(sides):
        height = _TOP + step * (index + 0.5)
        mean = across(sum(scores) / len(scores))
        d = "".join(f"M{across(score):g} {height:g}h0" for score in scores)
        marks += [
            tag("text", _short(name), x=4, y=height + 4, class_="tick"),
            tag("path", d=d, class_="dots val", data_n=len(scores)),
            tag("line", x1=mean, x2=mean, y1=height - 14, y2=height + 14, class_="mean"),
        ]
    marks.append(tag("text", metric, x=(LEFT + WIDTH - RIGHT) / 2, y=_HEIGHT - 8, class_="label"))
    told = "; ".join(f"{name}: {len(scores)}" for name, scores in sides)
    return figure(
        "Every training",
        svg(*marks, name=f"{metric} of every training, {told}", height=_HEIGHT),
        tag("p", "A dot is one training on the test rows, a line their mean.", class_="note"),
        id_="scores",
    )


def _title(verdict: Verdict, one: str) -> str:
    if verdict.verdict not in ("better", "worse"):
        return f"The difference is {verdict.verdict}"
    # A file's name begins as it does.
    name = one.capitalize() if one.startswith("the ") else one
    return f"{name} is {verdict.verdict}"


def _axis(across: Scale, bottom: float) -> Markup:
    parts = []
    for value in across.ticks(6):
        place = across(value)
        parts += [
            tag("line", x1=place, x2=place, y1=_TOP, y2=bottom, class_="grid"),
            tag("text", tick(value), x=place, y=bottom + 16, class_="tick mid"),
        ]
    return tag("g", *parts, aria_hidden="true")


def _short(name: str, most: int = 14) -> str:
    """Return the end of a long name: there files differ.

    >>> _short("experiments/2026/large.yaml")
    '…26/large.yaml'
    """
    return name if len(name) <= most else "…" + name[-(most - 1) :]
