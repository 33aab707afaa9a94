"""Products of matrices in C, for sizes of which most are known when they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luthier.engines.native.machine import Machine
from luthier.engines.native.tiles import ARGUMENTS, Tile, best_shape

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
        return f"product_{'_'.join(map(str, (*sizes, *strides)))}_{start}_{self.end}"

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

    def functions(self) -> dict[str, str]:
        """Return the sources of the function and its tiles, by name.

        The function takes matrices, bias and gate, and the size that was not known.
        """
        found: dict[str, str] = {}
        vectors, wide = self.columns // self.machine.lanes, self.shape[1]
        parts = [(0, vectors // wide, wide)]
        if rest := vectors % wide:
            parts.append((vectors - rest, 1, rest))
        lines: list[str] = []
        for first, count, width in parts:
            size = width * self.machine.lanes
            begin, end = first * self.machine.lanes, first * self.machine.lanes + count * size
            lines.append(f"for (long n = {begin}; n < {end}; n += {size}) {{")
            if self.packs():
                room = self.machine.padded(self.blocks[0][1] or self.most) * size
                lines.append(f"  static real panel[{room}] ALIGNED;")
            for block in self.blocks:
                lines += [f"  {line}" for line in self._block(found, width, *block)]
            lines.append("}")
        body = "\n".join(f"  {line}" for line in lines)
        found[self.name] = f"static TILE void {self.name}({ARGUMENTS}, long given) {{\n{body}\n}}\n"
        return found

    def _block(self, found: dict[str, str], width: int, start: int, inner: int) -> list[str]:
        """Return the lines that multiply some rows of B, and add their tiles to those found."""
        first = "start" if not self.inner else str(start)
        lines = self._copied(first, str(inner or "inner"), width) if self.packs() else []
        panel = "panel" if self.packs() else f"B + {first} * {self.rows_of_b} + n"
        for tall, rows in self._heights():
            tile = self._tile(tall, width, start, inner)
            found[tile.name] = tile.source()
            lines.append(
                f"for ({rows}; m += {tall}) {tile.name}("
                f"A + m * {self.down} + {first} * {self.across}, {panel}, "
                f"C + m * {self.rows_of_c} + n, bias + n, gate + m * {self.rows_of_c} + n, "
                f"{inner or 'inner'}, {first} > 0);"
            )
        if self.inner:
            return lines
        return [
            f"for (long start = 0; start < given; start += {self.most}) {{",
            f"  const long inner = given - start < {self.most} ? given - start : {self.most};",
            *(f"  {line}" for line in lines),
            "}",
        ]

    def _heights(self) -> list[tuple[int, str]]:
        """Return rows of a tile, and a loop over the product's rows."""
        tall, rest = self.shape[0], self.rows % self.shape[0]
        if not self.rows:  # of which there are some to spare
            return [(tall, "long m = 0; m < given")]
        first = [(tall, f"long m = 0; m < {self.rows - rest}")]
        return [*first, (rest, f"long m = {self.rows - rest}; m < {self.rows}")][: 1 + (rest > 0)]

    def _tile(self, tall: int, width: int, start: int, inner: int) -> Tile:
        first, last = start == 0, start + inner == self.inner
        begins = "bias" if self.bias else "zero" if self.inner else "either"
        return Tile(
            self.machine.lanes,
            tall,
            width,
            inner,
            self.down,
            self.across,
            width * self.machine.lanes if self.packs() else self.rows_of_b,
            self.rows_of_c,
            "held" if self.adds or not first else begins,
            self.end if last else "plain",
        )

    def _copied(self, start: str, inner: str, width: int) -> list[str]:
        """Return the lines that copy what a column of tiles reads of B."""
        size = width * self.machine.lanes
        if not self.turned:
            return [
                f"for (long k = 0; k < {inner}; k++)",
                f"  memcpy(panel + k * {size}, B + (k + {start}) * {self.rows_of_b} + n, "
                f"{size} * sizeof(real));",
            ]
        return [
            f"{{ const long count = {self.turned} - n < {size} ? {self.turned} - n : {size};",
            f"  if (count < {size}) memset(panel, 0, sizeof panel);",
            f"  turn(B + n * {self.rows_of_b} + {start}, count, "
            f"{self.machine.padded(int(inner))}, {self.rows_of_b}, panel, {size}); }}",
        ]
