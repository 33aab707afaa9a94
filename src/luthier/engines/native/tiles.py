"""The innermost part of a product of matrices: a tile of C that stays in registers."""

from __future__ import annotations

from dataclasses import dataclass

ARGUMENTS = (
    "const real *restrict A, const real *restrict B, real *restrict C, "
    "const real *bias, const real *gate"
)


@dataclass(frozen=True)
class Tile:
    """A few rows of C, some vectors wide: each number of B is loaded once for all rows.

    Products whose tiles are alike share one function: its name says all that decides it.

    Args:
        lanes: Numbers of a vector.
        tall, wide: Rows and vectors of C.
        inner: Columns of A and rows of B; zero where the caller says how many.
        down, across: How far apart A's rows and columns lie.
        rows_of_b, rows_of_c: How far apart rows of B and C lie.
        start: What C starts from: ``zero``, ``bias`` (a vector for every row), ``held`` (what
            it holds) or ``either`` (what it holds where the caller says so).
        end: What becomes of the sums: ``plain`` (stored), ``relu`` (negative numbers become
            zero) or ``gate`` (zero where another matrix, which lies as C does, is not positive).
        fold: After how many rows of A, and how far from the first of them, the next ones lie; for
            the lines of an image.
        runs: Columns of A that do not follow on each other: how many runs of `inner` there are,
            and how far apart; and outer loops around that first. Rows of B do follow.
    """

    lanes: int
    tall: int
    wide: int
    inner: int
    down: int
    across: int
    rows_of_b: int
    rows_of_c: int
    start: str
    end: str
    fold: tuple[int, int] | None = None
    runs: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """Name of the function."""
        sizes = (self.tall, self.wide, self.inner)
        strides = (self.down, self.across, self.rows_of_b, self.rows_of_c)
        lies = [n for pair in ((self.fold or ()), *self.runs) for n in pair]
        return f"tile_{'_'.join(map(str, (*sizes, *strides, *lies)))}_{self.start}_{self.end}"

    def source(self) -> str:
        """Return the function."""
        cells = [(i, j) for i in range(self.tall) for j in range(self.wide)]
        columns = range(self.wide)
        lines = [f"vec c{i}_{j} = {self._start(i, j)};" for i, j in cells]
        inner = self.inner or "inner"
        lines += self._around()
        lines.append(f"for (long k = 0; k < {inner}; k++) {{")
        lines += [
            f"  const vec b{j} = LOAD(B + k * {self.rows_of_b} + {j * self.lanes});"
            for j in columns
        ]
        for i in range(self.tall):
            adds = " ".join(f"c{i}_{j} += a * b{j};" for j in columns)
            lines.append(f"  {{ const real a = A[{self._row(i)} + k * {self.across}]; {adds} }}")
        lines.append("}")
        if self.start == "either":
            added = " ".join(f"c{i}_{j} += LOAD(C + {self._at(i, j)});" for i, j in cells)
            lines.append(f"if (held) {{ {added} }}")
        lines += [f"STORE(C + {self._at(i, j)}, {self._end(i, j)});" for i, j in cells]
        text = "\n".join(f"  {line}" for line in lines)
        takes = f"{ARGUMENTS}, long inner, long held"
        return f"static TILE void {self.name}({takes}) {{\n{text}\n}}\n"

    def _around(self) -> list[str]:
        """Return the loops around the columns of a run; A moves on after each of theirs."""
        lines, name = [], "r"
        for number, (count, apart) in enumerate(self.runs):
            inside = self.runs[number + 1 :][:1]
            past = inside[0][0] * inside[0][1] if inside else 0  # the inner loop moved A as well
            step = f"A += {apart - past}"
            if not inside:
                step += f", B += {self.inner * self.rows_of_b}"
            lines.append(f"for (long {name} = 0; {name} < {count}; {name}++, {step})")
            name += "r"
        return lines

    def _row(self, i: int) -> int:
        """Return where a row of A begins."""
        if self.fold is None:
            return i * self.down
        return i // self.fold[0] * self.fold[1] + i % self.fold[0] * self.down

    def _at(self, i: int, j: int) -> int:
        return i * self.rows_of_c + j * self.lanes

    def _start(self, i: int, j: int) -> str:
        if self.start == "held":
            return f"LOAD(C + {self._at(i, j)})"
        return f"LOAD(bias + {j * self.lanes})" if self.start == "bias" else "(vec){0}"

    def _end(self, i: int, j: int) -> str:
        if self.end == "gate":
            return f"GATED(c{i}_{j}, LOAD(gate + {self._at(i, j)}))"
        return f"POSITIVE(c{i}_{j})" if self.end == "relu" else f"c{i}_{j}"


def best_shape(rows: int, vectors: int, inner: int, accumulators: int) -> tuple[int, int]:
    """Return rows and vectors of the tiles that make a product fastest.

    Args:
        rows: Of the product.
        vectors: That its columns fill.
        inner: Columns of A.
        accumulators: Vectors that the registers hold.

    >>> best_shape(32, 8, 64, 24), best_shape(128, 1, 128, 24)
    ((4, 4), (16, 1))
    """
    shapes = [
        (tall, wide)
        for wide in range(1, min(vectors, 6) + 1)
        for tall in range(1, min(rows, accumulators // wide) + 1)
    ]
    return min(shapes, key=lambda shape: cycles(rows, vectors, inner, *shape))


def cycles(
    rows: int,
    vectors: int,
    inner: int,
    tall: int,
    wide: int,
    *,
    latency: int = 5,
    load: float = 0.1,
    begin: int = 20,
    second: float = 1.15,
) -> float:
    """Return the cycles of a product.

    A core multiplies two vectors a cycle and loads two. A product that waits for the one before
    waits four cycles: tiles that are no larger than that leave no slack, hence `latency`. What
    each load adds (`load`) and each tile (`begin`: a call, and a branch that was not foreseen)
    was measured on a Xeon with AVX-512, with 20 shapes of tiles and 12 products. A shape that
    needs a second tile for the last rows or columns takes a fifth longer to compile, and what it
    wins was under 2 % of a step in twelve networks: it must be faster by so much (`second`).
    """
    cycles = 0.0
    for count, width in ((vectors // wide, wide), (1, vectors % wide)):
        if width:
            loads = tall + width
            step = max(tall * width / 2, loads / 2, latency) + load * loads
            cycles += count * -(-rows // tall) * (begin + inner * step)
    return cycles * (second if vectors % wide or rows % tall else 1.0)
