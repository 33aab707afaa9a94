"""How many lanes are evaluated at once: as many as their largest array leaves room for.

A step computes 32 rows or so of each lane, an evaluation all of them: of a CNN on images of 28 x 28
a pack of 256 wrote 16 GB of activations for it, where training took 3. In groups memory holds more
trials, and each group costs the time to start its operations: on an H100 a pack of 256 trained 3 %
slower with 32 lanes at once, 7 % with 8, 17 % with 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import jax

ROOM = 2.0**30  # bytes, where a device does not say what it has
SHARE = 1 / 8  # of a device's memory: an evaluation then takes about a quarter of it


def mapped_in_groups(evaluate: Callable[[Any], Any], lanes: Any, room: float = ROOM) -> Any:
    """Map an evaluation over lanes: all at once, or in equal groups where that is too much.

    Args:
        evaluate: From one lane's arrays to what is shown of it.
        lanes: Arrays of all lanes, first axis the lane.
        room: Bytes that the largest array of a group may take. A single lane is never cut.

    >>> import jax.numpy as jnp
    >>> double = lambda lane: 2.0 * lane
    >>> mapped_in_groups(double, jnp.ones((6, 4)), room=4 * 4 * 4).shape  # three lanes at once
    (6, 4)
    """
    size = jax.tree.leaves(lanes)[0].shape[0]
    described: Any = jax.ShapeDtypeStruct  # untyped there
    one = jax.tree.map(lambda a: described(a.shape[1:], a.dtype), lanes)
    at_once = group(size, largest(jax.make_jaxpr(evaluate)(one).jaxpr), room)
    if at_once == size:
        return jax.vmap(evaluate)(lanes)
    return jax.lax.map(evaluate, lanes, batch_size=at_once)


def group(size: int, one: float, room: float = ROOM) -> int:
    """Return how many lanes of a pack are evaluated at once.

    Args:
        size: Lanes of the pack, which groups divide: a rest would be a program of its own.
        one: Bytes of a lane's largest array.
        room: Bytes for those of a group.

    >>> group(256, 31e6), group(64, 1e6), group(64, 1e12), group(100, 31e6, room=1e9)
    (32, 64, 1, 25)
    """
    return max(n for n in range(1, size + 1) if size % n == 0 and (n == 1 or n * one <= room))


def largest(jaxpr: Any) -> int:
    """Return the bytes of the largest array that a program writes, loops inside it included.

    >>> import jax.numpy as jnp
    >>> largest(jax.make_jaxpr(lambda x: (x[:, None] * x).sum())(jnp.ones(10, "float32")).jaxpr)
    400
    """
    sizes = [_bytes(out) for equation in jaxpr.eqns for out in equation.outvars]
    inner = [largest(one) for equation in jaxpr.eqns for one in _programs(equation.params)]
    return max([*sizes, *inner], default=0)


def _bytes(variable: Any) -> int:
    shape: tuple[int, ...] = variable.aval.shape
    return prod(shape) * int(getattr(variable.aval.dtype, "itemsize", 0))


def _programs(params: Mapping[str, Any]) -> Iterator[Any]:
    for value in params.values():
        for one in value if isinstance(value, (tuple, list)) else (value,):
            inner = getattr(one, "jaxpr", one)
            if hasattr(inner, "eqns"):
                yield inner
