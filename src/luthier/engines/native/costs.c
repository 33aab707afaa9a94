/* A vector of examples at a time, an output of all of them side by side. */

/* What classes are to have of each output: one of them, or what smoothing leaves of it. */
static void shared_out(const real *classes, long count, double smooth, real t[][LANES]) {
  const long single = sizes.targets == 1;
  const real stay = (real)(1.0 - smooth), even = (real)(smooth / (single ? 2 : sizes.targets));
  real own[LANES];
  LANE(l) own[l] = l < count ? classes[l] - single : -1; /* a single output is for the second */
  for (long j = 0; j < sizes.targets; j++) LANE(l) t[j][l] = even + (own[l] == j ? stay : 0);
}

@loss@
void costs(long rows, const real *outputs, const real *targets, real *cost, real *slopes,
           const real *shares, double smooth, real *room) {
  real (*const z)[LANES] = (real (*)[LANES])room, (*const t)[LANES] = z + sizes.filled;
  for (long start = 0; start < rows; start += LANES) {
    const long count = rows - start < LANES ? rows - start : LANES;
    real found[LANES];
    if (count < LANES) memset(room, 0, sizeof(real) * (sizes.filled + sizes.label) * LANES);
    turn(outputs + start * sizes.apart, count, sizes.filled, sizes.apart, z[0], LANES);
    if (sizes.labelled) shared_out(targets + start, count, smooth, t);
    else turn(targets + start * sizes.label, count, sizes.label, sizes.label, t[0], LANES);
    losses_of(z, t, found, slopes != 0, sizes.outputs, sizes.targets);
    for (long l = 0; l < count; l++) cost[start + l] = found[l];
    if (slopes) {
      real share[LANES] = {0};
      for (long l = 0; l < count; l++) share[l] = shares[start + l];
      for (long j = 0; j < sizes.outputs; j++) LANE(l) z[j][l] *= share[l];
      for (long j = sizes.outputs; j < sizes.filled; j++) LANE(l) z[j][l] = 0;
      turn(z[0], sizes.filled, count, LANES, slopes + start * sizes.apart, sizes.apart);
    }
  }
}
