"""Losses in C: what an example costs, and how that changes with the network's outputs.

To add one: an entry in `LOSSES`. The code reads ``z[j][l]``, output j of example l, and
``t[j][l]``, its target; ``N`` and ``T`` say how many there are of each. It sets ``cost[l]``, and
where ``slope`` is set turns ``z`` into the derivative by each output. Examples come in whole
vectors, so that a loop ``LANE(l)`` over them is one instruction.
"""

from __future__ import annotations

from collections.abc import Mapping

_CROSS_ENTROPY = """
  real top[LANES], total[LANES], shares[LANES], along[LANES];
  LANE(l) top[l] = z[0][l];
  for (long j = 1; j < N; j++) LANE(l) top[l] = larger_(z[j][l], top[l]);
  LANE(l) { total[l] = 0; shares[l] = 0; along[l] = 0; }
  for (long j = 0; j < N; j++) LANE(l) {
    const real away = z[j][l] - top[l];
    shares[l] += t[j][l];
    along[l] += t[j][l] * away;
    z[j][l] = exp_(away);
    total[l] += z[j][l];
  }
  LANE(l) cost[l] = shares[l] * log_(total[l]) - along[l];
  if (slope) for (long j = 0; j < N; j++) LANE(l)
    z[j][l] = shares[l] * (z[j][l] / total[l]) - t[j][l];
"""

_BINARY_CROSS_ENTROPY = """
  LANE(l) {
    const real p = t[T - 1][l], x = z[0][l], soft = log1p_(exp_(-abs_(x)));
    cost[l] = p * (soft + larger_(-x, 0)) + (R(1.0) - p) * (soft + larger_(x, 0));
    z[0][l] = sigmoid_(x) - p;
  }
"""

_MISSES = """
  LANE(l) cost[l] = 0;
  for (long j = 0; j < N; j++) LANE(l) {
    const real miss = z[j][l] - t[j][l], size = abs_(miss);
    (void)size;
    cost[l] += (%s) / N;
    z[j][l] = (%s) / N;
  }
"""

LOSSES: Mapping[str, str] = {
    "cross_entropy": _CROSS_ENTROPY,
    "binary_cross_entropy": _BINARY_CROSS_ENTROPY,
    "mse": _MISSES % ("miss * miss", "2 * miss"),
    "mae": _MISSES % ("size", "sign_(miss)"),
    "huber": _MISSES
    % (
        "size <= 1 ? R(0.5) * miss * miss : size - R(0.5)",
        "size <= 1 ? miss : sign_(miss)",
    ),
}


def loss_source(name: str) -> str:
    """Return the function ``losses_of(z, t, cost, slope, N, T)`` of a vector of examples."""
    return (
        "static inline void losses_of(real z[][LANES], real t[][LANES], real *cost, int slope,\n"
        f"                             long N, long T) {{\n  (void)T;{LOSSES[name]}}}\n"
    )
