/* Functions of rows, for sizes that the caller says. */

/* Sum over rows, a few vectors of columns at a time in registers. */
void column_sums(const real *from, long rows, long columns, long stride, real *to, int adds) {
  long j = 0;
  for (; j + 4 * LANES <= columns; j += 4 * LANES) {
    vec a = {0}, b = {0}, c = {0}, d = {0};
    for (long r = 0; r < rows; r++) {
      const real *at = from + r * stride + j;
      a += LOAD(at); b += LOAD(at + LANES); c += LOAD(at + 2 * LANES); d += LOAD(at + 3 * LANES);
    }
    if (adds) {
      a += LOAD(to + j); b += LOAD(to + j + LANES);
      c += LOAD(to + j + 2 * LANES); d += LOAD(to + j + 3 * LANES);
    }
    STORE(to + j, a); STORE(to + j + LANES, b);
    STORE(to + j + 2 * LANES, c); STORE(to + j + 3 * LANES, d);
  }
  for (; j < columns; j += LANES) {
    vec a = adds ? LOAD(to + j) : (vec){0};
    for (long r = 0; r < rows; r++) a += LOAD(from + r * stride + j);
    STORE(to + j, a);
  }
}
