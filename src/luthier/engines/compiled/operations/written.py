"""Arrays that are computed once, where XLA would compute them anew within whoever reads them."""

from __future__ import annotations

from typing import Any

from jax import lax


def written(arrays: Any) -> Any:
    """Return arrays as they are, and have XLA write them before anyone reads them.

    >>> import jax.numpy as jnp
    >>> written((jnp.ones(2), 3))[0].tolist()
    [1.0, 1.0]
    """
    barrier: Any = lax.optimization_barrier  # untyped there
    return barrier(arrays)
