"""The order of an epoch's rows, drawn inside the program: what `luthier.catalog.order` draws."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from luthier.core.keys import bits, fold_in


def epoch_order(key: tuple[Any, Any], epoch: Any, rows: int, batch_size: int) -> Any:
    """Return the rows of each step, shape (steps, batch size), to the bit as the catalog does.

    Args:
        key: The two words of `luthier.catalog.order.order_key`, as unsigned 32-bit numbers.
        epoch: Which one, as such a number.
        rows: Of the training part.
        batch_size: Rows of a step.
    """
    steps = rows // batch_size
    index: Any = jnp.arange(rows, dtype=jnp.uint32)
    if batch_size < rows:
        # Bits and index in one number, as the plain sort of those is the stable one by bits.
        drawn = bits(fold_in(key, epoch), index).astype(jnp.uint64) << 32 | index
        index = (jnp.sort(drawn) & 0xFFFFFFFF)[: steps * batch_size]
    return index.astype(jnp.int32).reshape(steps, batch_size)
