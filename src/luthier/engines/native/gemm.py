"""Products of matrices in C, for sizes that are known when they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luthier.engines.native.machine import Machine
from luthier.engines.native.tiles import ARGUMENTS, Tile, best_shape


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
        name: Of the C function.
        rows: Of A and C.
        columns: Of B and C, a multiple of the machine's lanes.
        inner: Columns of A and rows of B.
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
    name: str
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

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """First row and number of rows of B, for each time that C is gone over."""
        count = -(-self.inner // self.most) if self.inner > 3 * self.most // 2 else 1
        size = self.machine.padded(-(-self.inner // count))
        return [(at, min(size, self.inner - at)) for at in range(0, self.inner, size)]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and vectors of a tile.

        Tiles whose rows do not divide all rows overlap; where they add to C they may not.
        """
        whole, vectors = self.adds or len(self.blocks) > 1, self.columns // self.machine.lanes
        return best_shape(self.rows, vectors, self.inner, self.machine.accumulators, whole=whole)

    def packs(self, *, far: int = 256, often: int = 4) -> bool:
        """Tell whether a tile's columns of B are copied next to each other first.

        Rows that lie `far` numbers apart or more fall on the same few lines of the first cache,
        and each on a page of its own; a copy pays when `often` tiles read it.
        """
        enough = self.inner >= 4 * self.machine.lanes and self.rows >= often * self.shape[0]
        return self.turned > 0 or (self.rows_of_b >= far and enough)

    def functions(self) -> dict[str, str]:
        """Return the sources of the function and its tiles, by name."""
        found: dict[str, str] = {}
        vectors, wide = self.columns // self.machine.lanes, self.shape[1]
        parts = [(0, vectors // wide, wide)]
        if rest := vectors % wide:
            parts.append((vectors - rest, 1, rest))
        calls = ""
        for first, count, width in parts:
            tiles = [self._tile(width, start, inner) for start, inner in self.blocks]
            found |= {tile.name: tile.source() for tile in tiles}
            calls += self._calls(tiles, first, count)
        found[self.name] = f"static void {self.name}({ARGUMENTS}) {{\n{calls}}}\n"
        return found

    def _tile(self, width: int, start: int, inner: int) -> Tile:
        first, last = start == 0, start + inner == self.inner
        return Tile(
            self.machine.lanes,
            self.shape[0],
            width,
            inner,
            self.down,
            self.across,
            width * self.machine.lanes if self.packs() else self.rows_of_b,
            self.rows_of_c,
            "held" if self.adds or not first else "bias" if self.bias else "zero",
            self.end if last else "plain",
        )

    def _calls(self, tiles: list[Tile], first: int, count: int) -> str:
        """Return the loop over tiles; a last row of tiles reaches back into the one before."""
        lanes, tall, width = self.machine.lanes, self.shape[0], tiles[0].wide
        size, begin, end = width * lanes, first * lanes, (first + count * width) * lanes
        lines = [f"for (long n = {begin}; n < {end}; n += {size}) {{"]
        if self.packs():
            room = self.machine.padded(self.blocks[0][1]) * size
            lines.append(f"  static real panel[{room}] ALIGNED;")
        for tile, (start, inner) in zip(tiles, self.blocks, strict=True):
            lines += self._copied(start, inner, size) if self.packs() else []
            panel = "panel" if self.packs() else f"B + {start * self.rows_of_b} + n"
            call = (
                f"{tile.name}(A + m * {self.down} + {start * self.across}, {panel}, "
                f"C + m * {self.rows_of_c} + n, bias + n, gate + m * {self.rows_of_c} + n);"
            )
            rest = self.rows % tall
            lines.append(f"  for (long m = 0; m < {self.rows - rest}; m += {tall}) {call}")
            if rest:
                lines.append(f"  {{ const long m = {self.rows - tall}; {call} }}")
        return "".join(f"  {line}\n" for line in [*lines, "}"])

    def _copied(self, start: int, inner: int, size: int) -> list[str]:
        """Return the lines that copy what a column of tiles reads of B."""
        if not self.turned:
            source = f"B + (k + {start}) * {self.rows_of_b} + n"
            return [
                f"  for (long k = 0; k < {inner}; k++)",
                f"    memcpy(panel + k * {size}, {source}, {size} * sizeof(real));",
            ]
        return [
            f"  {{ const long count = {self.turned} - n < {size} ? {self.turned} - n : {size};",
            f"    if (count < {size}) memset(panel, 0, sizeof panel);",
            f"    turn(B + n * {self.rows_of_b} + {start}, count, {self.machine.padded(inner)}, "
            f"{self.rows_of_b}, panel, {size}); }}",
        ]
