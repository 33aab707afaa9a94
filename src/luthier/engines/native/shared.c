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

/* Standardise rows; then scale, shift and cut them off at zero, as far as is asked for. */
void standardise(const real *restrict from, long rows, long width, long stride, real eps,
                 const real *restrict weight, const real *restrict bias, int relu,
                 real *restrict to, real *restrict means, real *restrict scales) {
  for (long r = 0; r < rows; r++, from += stride, to += stride) {
    real total = 0, square = 0;
    SUM(total) for (long j = 0; j < width; j++) total += from[j];
    const real mean = total / width;
    SUM(square) for (long j = 0; j < width; j++) square += (from[j] - mean) * (from[j] - mean);
    const real scale = 1 / sqrt_(square / width + eps);
    means[r] = mean;
    scales[r] = scale;
    EACH(j, width) to[j] = (from[j] - mean) * scale;
    if (weight) EACH(j, width) to[j] *= weight[j];
    if (bias) EACH(j, width) to[j] += bias[j];
    if (relu) EACH(j, width) to[j] = positive_(to[j]);
  }
}

/* The gradients of that: by the rows, where `to` is not NULL, and over all rows by what scales and
   what shifts them. */
void standardise_back(const real *restrict from, const real *restrict g, long rows, long width,
                      long stride, const real *restrict means, const real *restrict scales,
                      const real *restrict weight, real *restrict to, int adds,
                      real *restrict by_weight, real *restrict by_bias) {
  for (long j = 0; j < width; j++) by_weight[j] = by_bias[j] = 0;
  for (long r = 0; r < rows; r++, from += stride, g += stride) {
    const real mean = means[r], scale = scales[r];
    real total = 0, along = 0;
    EACH(j, width) {
      by_bias[j] += g[j];
      by_weight[j] += g[j] * ((from[j] - mean) * scale);
    }
    if (!to) continue;
    if (weight) {
      PRAGMA(omp simd reduction(+ : total, along))
      for (long j = 0; j < width; j++) {
        total += g[j] * weight[j];
        along += g[j] * weight[j] * ((from[j] - mean) * scale);
      }
    } else {
      PRAGMA(omp simd reduction(+ : total, along))
      for (long j = 0; j < width; j++) {
        total += g[j];
        along += g[j] * ((from[j] - mean) * scale);
      }
    }
    total /= width;
    along /= width;
    real *const into = to + r * stride;
    EACH(j, width) {
      const real pulled = weight ? g[j] * weight[j] : g[j];
      const real found = scale * (pulled - total - (from[j] - mean) * scale * along);
      into[j] = adds ? into[j] + found : found;
    }
  }
}
