"""Products of matrices in C, for sizes of which most are known when they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luthier.engines.native.machine import Machine
from luthier.engines.native.microkernels import Loops, Microkernel
from luthier.engines.native.rounded import Rounded
from luthier.engines.native.tiles import ARGUMENTS, best_shape

USUAL = 32  # rows of a batch, which is not known: tiles for it serve all multiples
SPARE = 32  # rows that a matrix has room for after those of a batch: no tile is taller


@dataclass(frozen=True)
class Product:
    """``C = A B``, or ``C += A B``, with rows of C in memory one after the other.

    A is read one number at a time, so it may lie either way; rows of B and C are read in vectors
    and are filled up to whole ones. Columns of B that a tile reads are copied next to each other
    where they lie far apart, and as many rows at a time as the first cache holds (Goto & van de
    Geijn 2008, Anatomy of High-Performance Matrix Multiplication). A B that lies transposed is
    turned round by the copy.

    Args:
        machine: What it is written for.
        rows: Of A and C; zero where the caller says how many. Then there is room for some more.
        columns: Of B and C, a multiple of the machine's lanes.
        inner: Columns of A and rows of B; zero where the caller says how many.
        down, across: How far apart A's rows and columns lie.
        rows_of_b, rows_of_c: How far apart rows of B and of C lie.
        turned: Where B lies transposed: how many columns it has. Its rows in memory are filled
            up to whole vectors.
        adds: Whether to add to what C holds.
        bias: Whether every row of C starts from a vector, given as an argument.
        end: What becomes of the sums, as in `Tile`.
        most: Rows of B that are multiplied at a time: 256 rows of 32 floats fill two thirds of
            a first cache.
    """

    machine: Machine
    rows: int
    columns: int
    inner: int
    down: int
    across: int
    rows_of_b: int
    rows_of_c: int
    turned: int = 0
    adds: bool = False
    bias: bool = False
    end: str = "plain"
    most: int = 256

    @property
    def name(self) -> str:
        """Name of the function: products that are alike share one."""
        sizes = (self.rows, self.columns, self.inner, self.turned)
        strides = (self.down, self.across, self.rows_of_b, self.rows_of_c)
        start = "added" if self.adds else "bias" if self.bias else "zero"
        kind = f"product{self.machine.parts or ''}"
        return f"{kind}_{'_'.join(map(str, (*sizes, *strides)))}_{start}_{self.end}"

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """First row and number of rows of B, for each time that C is gone over."""
        if not self.inner:
            return [(0, 0)]
        count = -(-self.inner // self.most) if self.inner > 3 * self.most // 2 else 1
        size = self.machine.padded(-(-self.inner // count))
        return [(at, min(size, self.inner - at)) for at in range(0, self.inner, size)]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and vectors of a tile."""
        vectors, inner = self.columns // self.machine.lanes, self.inner or 2 * USUAL
        return best_shape(self.rows or USUAL, vectors, inner, self.machine.accumulators)

    def packs(self, *, far: int = 256, often: int = 4) -> bool:
        """Tell whether a tile's columns of B are copied next to each other first.

        Rows that lie `far` numbers apart or more fall on the same few lines of the first cache,
        and each on a page of its own; a copy pays when `often` tiles read it.
        """
        rows = self.rows or often * self.shape[0]
        enough = (self.inner or self.most) >= 4 * self.machine.lanes
        return self.turned > 0 or (
            self.rows_of_b >= far and enough and rows >= often * self.shape[0]
        )

    @property
    def calls(self) -> list[tuple[Loops, int, int, int, int]]:
        """The functions that make it: each with first row, rows, first column and last one."""
        if self.machine.parts:
            return [(Rounded(self.machine.parts, self.across != 1), 0, self.rows, 0, self.columns)]
        vectors, (tall, wide) = self.columns // self.machine.lanes, self.shape
        rest, lanes = vectors % wide, self.machine.lanes
        whole = (vectors - rest) * lanes
        parts = [(wide, 0, whole), (rest, whole, self.columns)][: 1 + (rest > 0)]
        odd = self.rows % tall
        heights = [(tall, 0, self.rows - odd), (odd, self.rows - odd, odd)][: 1 + (odd > 0)]
        return [
            (Microkernel(height, width, lanes, self.across != 1), row, rows, first, last)
            for width, first, last in parts
            for height, row, rows in heights
            if rows or not self.rows
        ]

    @property
    def loops(self) -> frozenset[Loops]:
        """The functions that it calls, which are no part of a network's own program."""
        return frozenset(call[0] for call in self.calls)

    def functions(self) -> dict[str, str]:
        """Return the sources of the function and what it calls upon, by name.

        The function takes matrices, bias and gate, and the size that was not known.
        """
        called = sorted(self.loops, key=lambda one: one.name)
        found = {one.name: f"{one.declaration};\n" for one in called}
        held = self.adds or self.inner > 0
        start = "HELD" if self.adds else "BIAS" if self.bias else "ZERO"
        layout = (
            *(self.inner, self.blocks[0][1] or self.most, self._far),
            *(self.rows_of_b, self.rows_of_c, self.turned, int(self.packs())),
            *(start, "HELD" if held else "EITHER", self.end.upper()),
        )
        lines = [f"static const Layout at = {{{', '.join(map(str, layout))}}};"]
        lines += [
            f"{one.name}(&at, A + {row * self.down}, B, C + {row * self.rows_of_c}, bias, "
            f"gate + {row * self.rows_of_c}, given, {rows or 'given'}, {first}, {last});"
            for one, row, rows, first, last in self.calls
        ]
        body = "\n".join(f"  {line}" for line in lines)
        found[self.name] = f"static void {self.name}({ARGUMENTS}, long given) {{\n{body}\n}}\n"
        return found

    @property
    def _far(self) -> int:
        """How far apart those rows or columns of A lie that do not follow on each other.

        Raises:
            ValueError: where neither do: no network makes such products.
        """
        if 1 not in (self.down, self.across):
            raise ValueError(f"A's rows lie {self.down} apart and its columns {self.across}")
        return self.down if self.across == 1 else self.across
