/* Sum up to 32 rows and columns of C in tiles 0 to 3. */
static void multiply(long row, long panel, long steps, int tall, int wide) {
  CLEAR(0); CLEAR(1); CLEAR(2); CLEAR(3);
  for (long k = 0; k < steps; k++) {
    const packed *a[PARTS], *b[PARTS];
    for (int part = 0; part < PARTS; part++) {
      a[part] = tiles_of_a[part].of[row][k];
      b[part] = tiles_of_b[part].of[panel][k];
    }
    READ_A(0);
    READ_B(PARTS - 1);
    add_products(tall, wide);
#if PARTS > 1
    READ_B(0);
    add_products(tall, wide);
    READ_A(1);
    add_products(tall, wide);
#endif
  }
}

/* A product of matrices: all of A that a few columns of B are multiplied by. */
@declaration@ {
  const long total = at->inner ? at->inner : given, far = at->rows_of_b;
  BEGIN;
  for (long from = 0; from < total; from += MOST) {
    const long inner = least(MOST, total - from), steps = (inner + DEEP - 1) / DEEP;
    const int start = from ? HELD : at->start, end = from + inner == total ? at->end : PLAIN;
    for (long top = 0; top < rows; top += ROWS) {
      const long high = least(ROWS, rows - top);
      for (long i = 0; i < high; i += SIDE)
        for (long k = 0; k < steps; k++)
          lay(A + (top + i) * @down@ + (from + k * DEEP) * @across@, at->far, high - i,
              inner - k * DEEP, @follow@, !@follow@, &tiles_of_a[0].of[i / SIDE / 2][k][i / SIDE % 2],
              sizeof(block) / sizeof(packed));
      for (long n = first; n < last; n += 2 * SIDE) {
        const int wide = last - n > SIDE;
        for (long k = 0; k < steps; k++)
          for (long j = 0; j <= wide; j++) {
            const long row = from + k * DEEP, column = n + j * SIDE;
            const long there = (at->turned ? at->turned : last) - column;
            lay(at->turned ? B + column * far + row : B + row * far + column, far,
                there > 0 ? there : 0, inner - k * DEEP, at->turned > 0, at->turned > 0,
                &tiles_of_b[0].of[0][k][j], sizeof(panels) / sizeof(packed));
          }
        for (long m = 0; m < high; m += 2 * SIDE) {
          const long cell = (top + m) * at->rows_of_c + n;
          multiply(m / SIDE / 2, 0, steps, high - m > SIDE, wide);
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
