"""Products of matrices in C: tiles of registers, for sizes that are known when they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from luthier.engines.native.machine import Machine

_ARGUMENTS = "const real *restrict A, const real *restrict B, real *restrict C, const real *bias"


@dataclass(frozen=True)
class Product:
    """``C = A B``, or ``C += A B``, with rows of B and C in memory one after the other.

    A is read one number at a time, so it may lie either way; rows of B and C are read in vectors
    and are filled up to whole ones. Columns of B that a tile reads are copied next to each other
    where they lie far apart, and as many rows at a time as the first cache holds (Goto & van de
    Geijn 2008, Anatomy of High-Performance Matrix Multiplication).

    Args:
        machine: What it is written for.
        name: Of the C function.
        rows: Of A and C.
        columns: Of B and C, a multiple of the machine's lanes.
        inner: Columns of A and rows of B.
        down, across: How far apart A's rows and columns lie.
        rows_of_b, rows_of_c: How far apart rows of B and of C lie.
        adds: Whether to add to what C holds.
        bias: Whether every row of C starts from a vector, given as the last argument.
        relu: Whether negative numbers of C become zero.
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
    adds: bool = False
    bias: bool = False
    relu: bool = False
    most: int = 256

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """First row and number of rows of B, for each time that C is gone over."""
        count = -(-self.inner // self.most) if self.inner > 3 * self.most // 2 else 1
        size = -(-self.inner // count)
        return [(at, min(size, self.inner - at)) for at in range(0, self.inner, size)]

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and vectors of a tile: as many products as possible for what is loaded.

        Tiles whose rows do not divide all rows overlap; where they add to C they may not.
        """
        vectors = self.columns // self.machine.lanes
        whole = self.adds or len(self.blocks) > 1
        shapes = [
            (tall, wide)
            for wide in range(1, min(vectors, 6) + 1)
            for tall in range(1, min(self.rows, self.machine.accumulators // wide) + 1)
            if not (whole and self.rows % tall)
        ]
        return min(shapes, key=lambda shape: _cost(self.rows, vectors, *shape))

    def packs(self, *, far: int = 256, often: int = 4) -> bool:
        """Tell whether a tile's columns of B are copied next to each other first.

        Rows that lie `far` numbers apart or more fall on the same few lines of the first cache,
        and each on a page of its own; a copy pays when `often` tiles read it.
        """
        enough = self.inner >= 4 * self.machine.lanes and self.rows >= often * self.shape[0]
        return self.rows_of_b >= far and enough

    def source(self) -> str:
        """Return the function, after those of its tiles."""
        vectors, wide = self.columns // self.machine.lanes, self.shape[1]
        parts = [(0, vectors // wide, wide)]
        if rest := vectors % wide:
            parts.append((vectors - rest, 1, rest))
        tiles = "".join(
            self._tile(width, start, size) for _, _, width in parts for start, size in self.blocks
        )
        calls = "".join(self._calls(*part) for part in parts)
        return f"{tiles}static void {self.name}({_ARGUMENTS}) {{\n{calls}}}\n"

    def _calls(self, first: int, count: int, width: int) -> str:
        """Return the loop over tiles; a last row of tiles reaches back into the one before."""
        lanes, tall = self.machine.lanes, self.shape[0]
        size, begin, end = width * lanes, first * lanes, (first + count * width) * lanes
        lines = [f"  for (long n = {begin}; n < {end}; n += {size}) {{"]
        if self.packs():
            lines.append(f"    static real panel[{self.blocks[0][1] * size}] ALIGNED;")
        for start, inner in self.blocks:
            panel = f"B + {start * self.rows_of_b} + n"
            if self.packs():
                lines += [
                    f"    for (long k = 0; k < {inner}; k++)",
                    f"      memcpy(panel + k * {size}, {panel} + k * {self.rows_of_b}, "
                    f"{size} * sizeof(real));",
                ]
                panel = "panel"
            whole, rest = self.rows - self.rows % tall, self.rows % tall
            call = (
                f"{self.name}_{width}_{start}(A + m * {self.down} + {start * self.across}, "
                f"{panel}, C + m * {self.rows_of_c} + n, bias + n);"
            )
            lines.append(f"    for (long m = 0; m < {whole}; m += {tall}) {call}")
            if rest:
                lines.append(f"    {{ const long m = {self.rows - tall}; {call} }}")
        return "\n".join([*lines, "  }\n"])

    def _tile(self, width: int, start: int, inner: int) -> str:
        lanes, tall = self.machine.lanes, self.shape[0]
        first, last = start == 0, start + inner == self.inner
        cells = [(i, j) for i in range(tall) for j in range(width)]
        apart = width * lanes if self.packs() else self.rows_of_b
        body = [f"  vec c{i}_{j} = {self._start(i, j, first=first)};" for i, j in cells]
        body.append(f"  for (long k = 0; k < {inner}; k++) {{")
        body += [f"    vec b{j} = LOAD(B + k * {apart} + {j * lanes});" for j in range(width)]
        for i in range(tall):
            body.append(f"    {{ vec a = ALL(A[{i * self.down} + k * {self.across}]);")
            body += [f"      c{i}_{j} += a * b{j};" for j in range(width)]
            body.append("    }")
        body.append("  }")
        kept = "POSITIVE(c{}_{})" if self.relu and last else "c{}_{}"
        body += [
            f"  STORE(C + {i * self.rows_of_c + j * lanes}, {kept.format(i, j)});" for i, j in cells
        ]
        text = "\n".join(body)
        return f"static TILE void {self.name}_{width}_{start}({_ARGUMENTS}) {{\n{text}\n}}\n"

    def _start(self, i: int, j: int, *, first: bool) -> str:
        lanes = self.machine.lanes
        if self.adds or not first:
            return f"LOAD(C + {i * self.rows_of_c + j * lanes})"
        return f"LOAD(bias + {j * lanes})" if self.bias else "(vec){0}"


def _cost(rows: int, vectors: int, tall: int, wide: int, *, latency: int = 4) -> float:
    """Return the cycles of a step of the inner loop over all tiles.

    A core multiplies two vectors a cycle and loads two; a product that waits for the one before
    waits for `latency` cycles.
    """
    cycles = 0.0
    for count, width in ((vectors // wide, wide), (1, vectors % wide)):
        if width:
            tile = max(tall * width / 2, (tall + width) / 2, latency)
            cycles += count * tile * -(-rows // tall)
    return cycles
