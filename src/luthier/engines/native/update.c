/* What a step of an optimizer does. What stands between @ signs is the catalog's formula. */

APPROXIMATE real update(const double *given, long count, real *W, const real *G, real *h, long apart,
                        double rate, double step, real factor, real held) {
  const double momentum = given[0], beta1 = given[1], beta2 = given[2], epsilon = given[3];
  real square = 0;
  (void)momentum; (void)beta1; (void)beta2; (void)epsilon; (void)step; (void)h; (void)apart;
@once@
  EACH(i, count) {
    const real g = G[i] * factor, w = held * W[i];
    square += g * g;
@each@
    W[i] = @new@;
@moments@
  }
  return square;
}
