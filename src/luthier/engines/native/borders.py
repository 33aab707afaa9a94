"""Copies images into ones with room around them, pixel next to pixel."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.engines.native.microkernels import Loops


@dataclass(frozen=True)
class Border:
    """A copy of images that leaves a border, and gaps between pixels where a window strides.

    What is left out is zero: arrays begin as zeros, and a copy writes pixels alone.

    Args:
        sides: Of the images that are copied.
        channels: Numbers of a pixel.
        apart: How far apart its pixels lie; zero where a channel lies after the other.
        image: How far apart images lie.
        inside: Sides of the images that are made.
        offset: Where in them the first pixel goes.
        step: How far apart the pixels go.
        wide: How far apart pixels that follow each other lie in what is made.
    """

    sides: tuple[int, int]
    channels: int
    apart: int
    image: int
    inside: tuple[int, int]
    offset: tuple[int, int]
    step: tuple[int, int]
    wide: int

    @property
    def size(self) -> int:
        """Numbers of an image that is made."""
        return self.inside[0] * self.inside[1] * self.wide

    @property
    def name(self) -> str:
        """Name of the function: copies that are alike share one."""
        pairs = (self.sides, self.inside, self.offset, self.step)
        numbers = [n for pair in pairs for n in pair]
        rest = (self.channels, self.apart, self.image, self.wide)
        return f"border_{'_'.join(map(str, (*numbers, *rest)))}"

    @property
    def loops(self) -> frozenset[Loops]:
        """The functions of other parts that it calls: none."""
        return frozenset()

    def functions(self) -> dict[str, str]:
        """Return the source of the function, which takes images, their number, and where to."""
        high, wide = self.sides
        line = f"(y * {self.step[0]} + {self.offset[0]}) * {self.inside[1]} + {self.offset[1]}"
        apart = self.step[1] * self.wide
        if not self.apart:
            copy = (
                f"for (long c = 0; c < {self.channels}; c++) EACH(x, {wide}) "
                f"to[x * {apart} + c] = from[(c * {high} + y) * {wide} + x];"
            )
        elif self.apart == self.channels == apart:
            copy = f"EACH(x, {wide * apart}) to[x] = from[y * {wide * apart} + x];"
        else:
            copy = (
                f"for (long x = 0; x < {wide}; x++) EACH(j, {self.channels}) "
                f"to[x * {apart} + j] = from[(y * {wide} + x) * {self.apart} + j];"
            )
        body = (
            f"  for (long i = 0; i < images; i++, from += {self.image}, whole += {self.size})\n"
            f"    for (long y = 0; y < {high}; y++) {{\n"
            f"      real *restrict to = whole + ({line}) * {self.wide};\n"
            f"      {copy}\n"
            "    }\n"
        )
        takes = "const real *restrict from, long images, real *restrict whole"
        return {self.name: f"static TILE void {self.name}({takes}) {{\n{body}}}\n"}
