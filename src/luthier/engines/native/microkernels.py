"""The loops of a product of matrices, for one shape of tile: compiled once a machine.

All sizes but the tile's are read at run time, so that networks of other widths share them, and a
network's own program, which only calls them, is compiled in half of the time. Sums are the same,
number by number, as with sizes that the compiler knows, and no slower (benchmarks/README.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from luthier.engines.native.tiles import ARGUMENTS

POINTERS = 8  # to rows of A at a time; the others lie eight rows from one of them, or sixteen
MOST = 384  # rows of B at a time: `Product` takes no more (see its `blocks`)


class Loops(Protocol):
    """The loops of a product, which networks share."""

    @property
    def name(self) -> str:
        """Name of the function."""
        ...

    @property
    def declaration(self) -> str:
        """What stands before its first call."""
        ...

    def source(self) -> str:
        """Return the function and what it calls."""
        ...


def declared(name: str) -> str:
    """Return how such a function begins."""
    takes = "long given, long rows, long first, long last"
    return f"void {name}(const Layout *at, {ARGUMENTS}, {takes})"


@dataclass(frozen=True)
class Microkernel:
    """A product's loops around a few rows and vectors of C that stay in registers.

    Args:
        tall, wide: Rows and vectors of a tile.
        lanes: Numbers of a vector.
        turned: Whether A lies transposed: its columns one after the other.
    """

    tall: int
    wide: int
    lanes: int
    turned: bool

    @property
    def name(self) -> str:
        """Name of the function."""
        return f"product_{self.tall}_{self.wide}{'_turned' * self.turned}"

    @property
    def declaration(self) -> str:
        """What stands before its first call."""
        return declared(self.name)

    def source(self) -> str:
        """Return the function, and the one that multiplies a tile."""
        size = self.wide * self.lanes
        down, across = ("1", "at->far") if self.turned else ("at->far", "1")
        return f"""{self._tile(size)}
{self.declaration} {{
  static real panel[{MOST * size}] ALIGNED;
  const long total = at->inner ? at->inner : given;
  for (long n = first; n < last; n += {size})
    for (long start = 0; start < total; start += at->most) {{
      const long inner = total - start < at->most ? total - start : at->most;
      const real *from = B + start * at->rows_of_b + n;
      if (at->turned) {{
        const long count = at->turned - n < {size} ? at->turned - n : {size};
        const long filled = (inner + LANES - 1) / LANES * LANES;
        if (count < {size}) memset(panel, 0, filled * {size} * sizeof(real));
        turn(B + n * at->rows_of_b + start, count, filled, at->rows_of_b, panel, {size});
      }} else if (at->packs) {{
        for (long k = 0; k < inner; k++)
          memcpy(panel + k * {size}, from + k * at->rows_of_b, {size} * sizeof(real));
      }}
      const int copied = at->turned || at->packs;
      for (long m = 0; m < rows; m += {self.tall})
        tile(A + m * {down} + start * {across}, copied ? panel : from, C + m * at->rows_of_c + n,
             bias + n, gate + m * at->rows_of_c + n, inner, at->far,
             copied ? {size} : at->rows_of_b, at->rows_of_c, start ? at->later : at->start,
             start + inner == total ? at->end : PLAIN);
    }}
}}
"""

    def _tile(self, size: int) -> str:
        rows, columns = range(self.tall), range(self.wide)
        cells = [(i, j) for i in rows for j in columns]

        def each(text: str) -> str:
            return " ".join(text.format(i=i, j=j, at=j * self.lanes) for i, j in cells)

        lines = [
            f"vec {', '.join(f'c{i}_{j}' for i, j in cells)};",
            f"if (start == BIAS) {{ {each('c{i}_{j} = LOAD(bias + {at});')} }}",
            f"else if (start == HELD) {{ {each('c{i}_{j} = LOAD(C + {i} * apart + {at});')} }}",
            f"else {{ {each('c{i}_{j} = (vec){{0}};')} }}",
        ]
        if not self.turned:
            lines += [f"const real *a{i} = A + {i} * far;" for i in rows[:POINTERS]]
        step = ", A += far" if self.turned else ""
        lines.append(f"for (long k = 0; k < inner; k++, B += rows_of_b{step}) {{")
        lines += [f"  const vec b{j} = LOAD(B + {j * self.lanes});" for j in columns]
        for i in rows:
            adds = " ".join(f"c{i}_{j} += a * b{j};" for j in columns)
            lines.append(f"  {{ const real a = {self._number(i)}; {adds} }}")
        lines += [
            "}",
            f"if (start == EITHER) {{ {each('c{i}_{j} += LOAD(C + {i} * apart + {at});')} }}",
            f"if (end == PLAIN) {{ {each('STORE(C + {i} * apart + {at}, c{i}_{j});')} }}",
            "else if (end == RELU) "
            f"{{ {each('STORE(C + {i} * apart + {at}, POSITIVE(c{i}_{j}));')} }}",
            f"else {{ {each(_GATED)} }}",
        ]
        body = "\n".join(f"  {line}" for line in lines)
        sizes = "long inner, long far, long rows_of_b, long apart, int start, int end"
        return f"static TILE void tile({ARGUMENTS}, {sizes}) {{\n{body}\n}}\n"

    def _number(self, i: int) -> str:
        """Return where row `i` of A has its next number."""
        if self.turned:
            return f"A[{i}]"
        beyond = f" + {i - i % POINTERS} * far" if i >= POINTERS else ""
        return f"(a{i % POINTERS}{beyond})[k]"


_GATED = "STORE(C + {i} * apart + {at}, GATED(c{i}_{j}, LOAD(gate + {i} * apart + {at})));"
