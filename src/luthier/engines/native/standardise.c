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
