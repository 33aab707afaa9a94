"""L1 and L2 of a network's own layers, as recipe keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Penalties:
    """What a network itself adds to the loss.

    Args:
        l1: The one factor of sum |w|, of every kernel that is penalised.
        l2: The one factor of sum w^2.
        names: Which kernels are.
        liftable: Whether a recipe's `l1` and `l2` can say the same: they cannot for penalties
            that differ between layers, of biases, or of a kind of their own.
    """

    l1: float = 0.0
    l2: float = 0.0
    names: tuple[str, ...] = ()
    liftable: bool = True


def penalties_of(variables: Mapping[str, Any]) -> Penalties:
    """Read the regularisers of trainable variables, by name."""
    found = {name: _factors(v.regularizer) for name, v in _penalised(variables)}
    if not found:
        return Penalties()
    factors = set(found.values())
    kernels = all(len(variables[name].shape) >= 2 for name in found)
    if len(factors) > 1 or None in factors or not kernels:
        return Penalties(names=tuple(found), liftable=False)
    one = next(iter(factors)) or (0.0, 0.0)
    return Penalties(*one, names=tuple(found))


def take_off(variables: Mapping[str, Any]) -> None:
    """Take the regularisers off, since the recipe says what they say."""
    for _, variable in _penalised(variables):
        variable.regularizer = None


def _penalised(variables: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    return [(n, v) for n, v in variables.items() if getattr(v, "regularizer", None) is not None]


def _factors(regularizer: Any) -> tuple[float, float] | None:
    kinds = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)
    if type(regularizer) not in kinds:
        return None
    parts = (getattr(regularizer, "l1", 0.0), getattr(regularizer, "l2", 0.0))
    return float(parts[0] or 0.0), float(parts[1] or 0.0)
