"""The packed engine: many trials of one signature train together, in lanes of one program."""

from luthier.engines.compiled import xla  # first: it sets JAX's flags
from luthier.engines.packed.engine import Packed

__all__ = ["Packed", "xla"]
