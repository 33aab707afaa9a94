"""Products of matrices whose rows are parts of an image, read where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luthier.engines.native.machine import Machine
from luthier.engines.native.microkernels import Loops
from luthier.engines.native.rounded import RoundedSliding
from luthier.engines.native.tiles import ARGUMENTS, Tile, cycles


@dataclass(frozen=True)
class Sliding:
    """``C = A B``, where rows of A overlap in memory: what a window sees of an image as it moves.

    A convolution is such a product. Its rows are places of the window, line by line; its columns
    are the window's pixels, again line by line, so that each line of the window is one run.
    The gradient by a kernel is the same the other way round: rows are the window's pixels, and
    columns are places. Nothing is copied, which a product of unfolded images would do with every
    pixel as often as windows see it (Georganas et al. 2018, Anatomy of High-Performance Deep
    Learning Convolutions on SIMD Architectures, keep tiles in registers in the same way).

    Args:
        machine: What it is written for.
        lines, across: Rows of A and C: how many lines of how many.
        line_apart, down: How far apart in memory two lines of A's rows begin, and two rows.
        runs: Columns of A: loops around `inner`, as in `Tile`.
        inner, along: Columns of a run, and how far apart they lie.
        columns: Of B and C, a multiple of the machine's lanes.
        rows_of_b, rows_of_c: How far apart rows of B and C lie.
        start, end: As in `Tile`.
        image_of_a, image_of_c: How far apart images of A and of C lie.
        sums_places: Whether columns of A are places, rather than its rows.
        pieces: Of a line of A's rows, each `across` long, and how far apart they lie, where
            numbers are rounded and places summed over.
    """

    machine: Machine
    lines: int
    across: int
    line_apart: int
    down: int
    runs: tuple[tuple[int, int], ...]
    inner: int
    along: int
    columns: int
    rows_of_b: int
    rows_of_c: int
    start: str
    end: str
    image_of_a: int = 0
    image_of_c: int = 0
    sums_places: bool = False
    pieces: tuple[int, int] = (1, 0)

    @property
    def name(self) -> str:
        """Name of the function: products that are alike share one."""
        runs = [n for pair in self.runs for n in pair]
        numbers = (
            *(self.lines, self.across, self.line_apart, self.down, *runs, self.inner, self.along),
            *(self.columns, self.rows_of_b, self.rows_of_c, self.image_of_a, self.image_of_c),
            *self.pieces,
        )
        kind = f"{'summed' * self.sums_places or 'sliding'}{self.machine.parts or ''}"
        return f"{kind}_{'_'.join(map(str, numbers))}_{self.start}_{self.end}"

    @property
    def total(self) -> int:
        """Columns of A."""
        count = self.inner
        for times, _ in self.runs:
            count *= times
        return count

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and vectors of a tile: a part of a line, or some whole lines."""
        vectors, most = self.columns // self.machine.lanes, self.machine.accumulators
        shapes = [
            (tall, wide)
            for wide in range(1, min(vectors, 6) + 1)
            for tall in range(1, most // wide + 1)
            if tall <= self.across or (tall % self.across == 0 and tall <= self._rows)
        ]
        return min(shapes, key=lambda shape: self._cycles(vectors, *shape))

    @property
    def _rows(self) -> int:
        return self.lines * self.across

    def _cycles(self, vectors: int, tall: int, wide: int) -> float:
        if tall > self.across:
            return cycles(self._rows, vectors, self.total, tall, wide)
        return self.lines * cycles(self.across, vectors, self.total, tall, wide)

    @property
    def loops(self) -> frozenset[Loops]:
        """The functions of other parts that it calls."""
        return frozenset({RoundedSliding(self.machine.parts)} if self.rounds() else ())

    def rounds(self, *, least: int = 16) -> bool:
        """Tell whether numbers are rounded: where a window sees `least` of them in one piece.

        Fewer fill too little of a processor's tiles, which take 32.
        """
        return bool(self.machine.parts) and self._seen[-1] >= least

    @property
    def _seen(self) -> tuple[int, int, int, int, int]:
        """What a window sees: lines, how far apart, pieces of a line, how far apart, numbers."""
        if self.sums_places:
            return self.lines, self.line_apart, *self.pieces, self.across
        return (*self.runs[0], *(self.runs[1] if len(self.runs) > 1 else (1, 0)), self.inner)

    @property
    def _moves(self) -> tuple[int, int, int, int, int]:
        """Where it moves: lines, how far apart, places of a line and images, how far apart."""
        if not self.sums_places:
            return self.lines, self.line_apart, self.across, self.down, self.image_of_a
        image = self.runs[0][1] if len(self.runs) > 1 else 0
        return (*self.runs[-1], self.inner, self.along, image)

    @property
    def _sizes(self) -> tuple[int, int]:
        """Numbers of an image, and of one that is rounded with as many as tiles read beyond it."""
        lines, line_apart, places, apart, _ = self._moves
        tall, tall_apart, wide, wide_apart, seen = self._seen
        last = (lines - 1) * line_apart + (places - 1) * apart
        image = last + (tall - 1) * tall_apart + (wide - 1) * wide_apart + seen
        return image, -(-(image + 32 * apart + 64) // 32) * 32

    def functions(self) -> dict[str, str]:
        """Return the sources of the function and its tiles, by name.

        The function takes matrices, bias and gate, and the number of images.
        """
        if self.rounds():
            return self._rounded()
        found: dict[str, str] = {}
        lanes, vectors, wide = self.machine.lanes, self.columns // self.machine.lanes, self.shape[1]
        parts = [(0, vectors // wide, wide)]
        if rest := vectors % wide:
            parts.append((vectors - rest, 1, rest))
        lines: list[str] = []
        for first, count, width in parts:
            begin, size = first * lanes, width * lanes
            lines += [
                f"for (long n = {begin}; n < {begin + count * size}; n += {size})",
                "  for (long image = 0; image < given; image++) {",
                f"    const real *a = A + image * {self.image_of_a};",
                f"    const long at = image * {self.image_of_c} + n;",
                *(f"    {line}" for line in self._calls(found, width)),
                "  }",
            ]
        body = "\n".join(f"  {line}" for line in lines)
        found[self.name] = f"static TILE void {self.name}({ARGUMENTS}, long given) {{\n{body}\n}}\n"
        return found

    def _rounded(self) -> dict[str, str]:
        """Return the function that hands sizes to what reads rounded images."""
        made = RoundedSliding(self.machine.parts)
        images = self.runs[0][0] if self.sums_places and len(self.runs) > 1 else "given"
        image, room = self._sizes
        numbers = (int(self.sums_places), *self._moves, *self._seen, image, room)
        rows = (self.columns, self.rows_of_b, self.rows_of_c)
        layout = (*numbers, *rows, self.start.upper(), self.end.upper())
        text = (
            f"static void {self.name}({ARGUMENTS}, long given) {{\n"
            f"  static const Slide at = {{{', '.join(map(str, layout))}}};\n"
            f"  static uint16_t room[{2 * room}] ALIGNED;\n"
            f"  {made.name}(&at, A, B, C, bias, gate, {images}, room);\n}}\n"
        )
        return {made.name: f"{made.declaration};\n", self.name: text}

    def _calls(self, found: dict[str, str], width: int) -> list[str]:
        """Return loops over an image's tiles, which are added to those found."""
        tall = self.shape[0]
        if tall > self.across:
            step = tall // self.across
            rest = self.lines % step
            return [
                f"for (long y = 0; y < {self.lines - rest}; y += {step})",
                f"  {self._call(found, tall, width, 'y', '0')}",
                *([self._call(found, rest * self.across, width, self.lines - rest)] * (rest > 0)),
            ]
        rest = self.across % tall
        return [
            f"for (long y = 0; y < {self.lines}; y++) {{",
            f"  for (long x = 0; x < {self.across - rest}; x += {tall})",
            f"    {self._call(found, tall, width, 'y', 'x')}",
            *([f"  {self._call(found, rest, width, 'y', self.across - rest)}"] * (rest > 0)),
            "}",
        ]

    def _call(self, found: dict[str, str], tall: int, width: int, y: object, x: object = 0) -> str:
        tile = Tile(
            self.machine.lanes,
            tall,
            width,
            self.inner,
            self.down,
            self.along,
            self.rows_of_b,
            self.rows_of_c,
            self.start,
            self.end,
            fold=(self.across, self.line_apart) if tall > self.across else None,
            runs=self.runs,
        )
        found[tile.name] = tile.source()
        row = f"({y} * {self.across} + {x}) * {self.rows_of_c}"
        return (
            f"{tile.name}(a + {y} * {self.line_apart} + {x} * {self.down}, B + n, "
            f"C + at + {row}, bias + n, gate + at + {row}, 0, 0);"
        )
