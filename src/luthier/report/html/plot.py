"""The frame that charts share: a figure with title, axes, grid, and a place to read values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from luthier.report.html.markup import Child, Markup, joined, tag
from luthier.report.scale import Scale
from luthier.report.text import number, tick

WIDTH, HEIGHT = 480, 260  # small enough that text stays legible where a phone shrinks it
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 40


@dataclass(frozen=True)
class Plot:
    """Two scales, and what they are scales of.

    Args:
        x, y: Scales.
        x_label, y_label: What they show.
        x_whole: Whether x counts something.
    """

    x: Scale
    y: Scale
    x_label: str
    y_label: str
    x_whole: bool = True

    def axes(self) -> Markup:
        """Return grid, ticks and labels."""
        parts: list[Markup] = []
        for value in self.y.ticks():
            place = self.y(value)
            parts += [
                tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="grid"),
                tag("text", tick(value), x=LEFT - 6, y=place + 4, class_="tick end"),
            ]
        for value in self.x.ticks(6):
            if self.x_whole and value != round(value):
                continue
            place = self.x(value)
            parts += [
                tag("line", x1=place, x2=place, y1=TOP, y2=HEIGHT - BOTTOM, class_="grid"),
                tag("text", number(value), x=place, y=HEIGHT - BOTTOM + 16, class_="tick mid"),
            ]
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts += [
            tag("text", self.x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, class_="label"),
            tag("text", self.y_label, x=-middle, y=12, transform="rotate(-90)", class_="label"),
        ]
        return tag("g", *parts, aria_hidden="true")

    def line(self, xs: Sequence[float], ys: Sequence[float], class_: str) -> Markup:
        """Return a line; it breaks where a value is no number."""
        return tag("path", d=path(self.x, self.y, xs, ys), class_=f"line {class_}")

    def dots(self, points: Iterable[tuple[float, float]], class_: str) -> Markup:
        """Return points as one path: round ends of lines of no length, cheap by the thousand."""
        places = [(self.x(x), self.y(y)) for x, y in points if math.isfinite(x + y)]
        d = "".join(f"M{x:g} {y:g}h0" for x, y in places)
        return tag("path", d=d, class_=f"dots {class_}", data_n=len(places))


def scales_area() -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of x and of y, whose lowest value stands at the bottom."""
    return (LEFT, WIDTH - RIGHT), (HEIGHT - BOTTOM, TOP)


def path(x: Scale, y: Scale, xs: Sequence[float], ys: Sequence[float]) -> str:
    """Return the commands that draw a line.

    >>> unit = Scale(0.0, 1.0, 0.0, 10.0)
    >>> path(unit, unit, [0, 0.5, 0.7, 1], [0.0, 1.0, float("nan"), 0.5])
    'M0 0L5 10M10 5h0'
    """
    parts, pen = [], ""
    count = min(len(xs), len(ys))
    for index in range(count):
        if not math.isfinite(ys[index]):
            pen = ""
            continue
        alone = not pen and (index + 1 == count or not math.isfinite(ys[index + 1]))
        end = "h0" if alone else ""
        parts.append(f"{pen or 'M'}{x(xs[index]):g} {y(ys[index]):g}{end}")
        pen = "L"
    return "".join(parts)


def svg(*children: Child, name: str, width: float = WIDTH, height: float = HEIGHT) -> Markup:
    """Return a drawing with a name that a screen reader reads out."""
    return tag("svg", *children, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=name)


def figure(
    title: str, drawing: Markup, *extra: Child, note: str = "", id_: str = "", class_: str = ""
) -> Markup:
    """Return a chart below its title, with a note on what it shows."""
    return tag(
        "figure",
        tag("figcaption", tag("h3", title), tag("p", note, class_="note") if note else None),
        drawing,
        joined(extra),
        id=id_ or None,
        class_=class_ or None,
    )


def legend(entries: Sequence[tuple[str, str]]) -> Markup:
    """Return what lines mean, each with a stroke of its class."""
    parts = [
        tag(
            "span",
            tag(
                "svg",
                tag("path", d="M1 6h24", class_=f"line {class_}"),
                viewBox="0 0 26 12",
                aria_hidden="true",
            ),
            name,
        )
        for class_, name in entries
    ]
    return tag("p", *parts, class_="legend")
