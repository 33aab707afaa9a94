/* The softmax of each of some rows, which are filled up to whole vectors; the rest becomes 0. */
void shares_of(real *rows, long count, long width, long filled) {
  for (long r = 0; r < count; r++) {
    real *const row = rows + r * filled;
    for (long j = width; j < filled; j++) row[j] = -INFINITY;
    real most = row[0], total = 0;
    PRAGMA(omp simd reduction(max : most))
    for (long j = 0; j < filled; j++) most = row[j] > most ? row[j] : most;
    SUM(total) for (long j = 0; j < filled; j++) {
      row[j] = exp_(row[j] - most);
      total += row[j];
    }
    const real share = 1 / total;
    EACH(j, filled) row[j] *= share;
  }
}
