"""Core operators of PyTorch in JAX, by name; arguments are named as in PyTorch.

To add one: a function in the file it belongs to, and an entry in that file's table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from luthier.engines.compiled.operations.convolutions import SLICED
from luthier.engines.compiled.operations.elementwise import ELEMENTWISE
from luthier.engines.compiled.operations.normalisation import NORMALISATION
from luthier.engines.compiled.operations.pooling import POOLING
from luthier.engines.compiled.operations.products import PRODUCTS
from luthier.engines.compiled.operations.reductions import REDUCTIONS
from luthier.engines.compiled.operations.shapes import SHAPES

__all__ = ["KNOWN", "OPERATIONS"]

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **ELEMENTWISE,
    **NORMALISATION,
    **PRODUCTS,
    **REDUCTIONS,
    **SHAPES,
}

KNOWN = frozenset({*OPERATIONS, *SLICED, *POOLING, "dropout"})
"""Every operation that can be lowered; those on images stand in `channels_last`."""
