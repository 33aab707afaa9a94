"""Transposing a matrix in C: square blocks in registers, whose halves change places."""

from __future__ import annotations

_AROUND = """
/* Write a matrix transposed: whole blocks in registers, the rest number by number. */
void turn(const real *from, long rows, long columns, long stride, real *to, long apart) {
  const long whole_rows = rows - rows % LANES, whole_columns = columns - columns % LANES;
  for (long j = 0; j < whole_columns; j += LANES)
    for (long i = 0; i < whole_rows; i += LANES)
      turn_block(from + i * stride + j, stride, to + j * apart + i, apart);
  for (long i = 0; i < rows; i++)
    for (long j = i < whole_rows ? whole_columns : 0; j < columns; j++)
      to[j * apart + i] = from[i * stride + j];
}
"""


def turn_source(lanes: int) -> str:
    """Return the function ``turn``, and that for a block."""
    return block_source(lanes) + _AROUND


def block_source(lanes: int) -> str:
    """Return the function ``turn_block``.

    Rows whose numbers differ in one binary digit exchange halves of every size, the largest
    first: after as many rounds as a row's number has digits, the block is transposed.

    >>> block_source(2).count("SHUFFLED")
    2
    """
    lines = [f"vec r{i} = LOAD(from + {i} * stride);" for i in range(lanes)]
    half = lanes // 2
    while half:
        first = [lanes + i - half if i & half else i for i in range(lanes)]
        second = [lanes + i if i & half else i + half for i in range(lanes)]
        for i in (i for i in range(lanes) if not i & half):
            pair = f"r{i}, r{i + half}"
            lines.append(f"{{ const vec one = SHUFFLED({pair}, {', '.join(map(str, first))});")
            lines.append(f"  r{i + half} = SHUFFLED({pair}, {', '.join(map(str, second))});")
            lines.append(f"  r{i} = one; }}")
        half //= 2
    lines += [f"STORE(to + {i} * apart, r{i});" for i in range(lanes)]
    body = "\n".join(f"  {line}" for line in lines)
    head = "static inline void turn_block(const real *from, long stride, real *to, long apart)"
    return f"{head} {{\n{body}\n}}\n"
