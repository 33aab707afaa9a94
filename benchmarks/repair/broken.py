"""A broken training and its fix, as luthier trains them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """A network, a recipe and data.

    Args:
        build: Makes the network.
        recipe: How it is trained.
        data: ``(X, y)``, or parts.
    """

    build: Callable[..., Any]
    recipe: Mapping[str, Any]
    data: Any


@dataclass(frozen=True)
class Broken:
    """A training that a fault may harm.

    Args:
        name: What it is called.
        fault: What is wrong, in words.
        task: ``classification`` or ``regression``.
        before: As it was found.
        fixed: As its source, or whoever broke it, mends it; None where it is healthy.
    """

    name: str
    fault: str
    task: str
    before: Side
    fixed: Side | None
