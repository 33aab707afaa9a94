/* A product of matrices: all of A that a few columns of B are multiplied by. */
@declaration@ {
  const long total = at->inner ? at->inner : given, far = at->rows_of_b;
  long steps_at[MOST / DEEP]; /* two tiles lie side by side */
  for (long k = 0; k < MOST / DEEP; k++) steps_at[k] = k * 2 * SIDE * DEEP;
  BEGIN;
  for (long from = 0; from < total; from += MOST) {
    const long inner = least(MOST, total - from), steps = (inner + DEEP - 1) / DEEP;
    const int start = from ? HELD : at->start, end = from + inner == total ? at->end : PLAIN;
    for (long top = 0; top < rows; top += ROWS) {
      const long high = least(ROWS, rows - top);
      for (long i = 0; i < high; i += SIDE)
        for (long k = 0; k < steps; k++)
          lay(A + (top + i) * @down@ + (from + k * DEEP) * @across@, at->far, high - i,
              inner - k * DEEP, @follow@, !@follow@, tile_of_a(i, k), APART_A);
      for (long n = first; n < last; n += 2 * SIDE) {
        const int wide = last - n > SIDE;
        for (long k = 0; k < steps; k++)
          for (long j = 0; j <= wide; j++) {
            const long row = from + k * DEEP, column = n + j * SIDE;
            const long there = (at->turned ? at->turned : last) - column;
            lay(at->turned ? B + column * far + row : B + row * far + column, far,
                there > 0 ? there : 0, inner - k * DEEP, at->turned > 0, at->turned > 0,
                tile_of_b(j * SIDE, k), APART_B);
          }
        for (long m = 0; m < high; m += 2 * SIDE) {
          const long cell = (top + m) * at->rows_of_c + n;
          const half *upper[PARTS], *lower[PARTS];
          for (int part = 0; part < PARTS; part++) {
            upper[part] = *(tile_of_a(m, 0) + part * APART_A);
            lower[part] = upper[part] + SIDE * DEEP;
          }
          multiply(upper, lower, steps_at, steps, ROW, 0, high - m > SIDE, wide);
          store(at->rows_of_c, C + cell, bias + n, gate + cell, start, end, high - m, wide, 0);
          if (high - m > SIDE) {
            const long below = cell + SIDE * at->rows_of_c;
            store(at->rows_of_c, C + below, bias + n, gate + below, start, end, high - m - SIDE,
                  wide, 1);
          }
        }
      }
    }
  }
  END;
}
