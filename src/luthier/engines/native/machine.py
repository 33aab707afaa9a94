"""What code is written for: the width of this processor's vectors."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace

from luthier.engines.chunks.processor import abilities


@dataclass(frozen=True)
class Machine:
    """A kind of processor, for one type of numbers.

    Args:
        lanes: Numbers of a vector.
        accumulators: Vectors that a tile of a product may take: what is left of the registers
            once there is room for what it loads.
        double: Whether numbers are doubles.
        parts: How many bfloat16 numbers, summed, stand for one in a product: one rounds it, two
            keep its first five digits. Zero where products take numbers as they are.
    """

    lanes: int
    accumulators: int
    double: bool
    parts: int = 0

    @classmethod
    def here(cls, precision: str = "float32") -> Machine:
        """Return this machine.

        Args:
            precision: Of a recipe.
        """
        flags, double = abilities(), precision == "float64"
        size, registers = (64, 32) if "avx512f" in flags else (32, 16)
        if not {"avx512f", "avx2"} & flags:
            size, registers = 16, 32 if platform.machine() in ("aarch64", "arm64") else 16
        accumulators = registers - 8 if registers > 16 else 12
        return cls(size // (8 if double else 4), accumulators, double, int(precision == "bfloat16"))

    @property
    def evaluating(self) -> Machine:
        """Return the machine as a network is evaluated on it: there products are not rounded.

        >>> Machine(16, 24, double=False, parts=1).evaluating.parts
        2
        """
        return replace(self, parts=2 if self.parts else 0)

    def padded(self, size: int) -> int:
        """Return a size filled up to whole vectors.

        >>> Machine(16, 24, double=False).padded(10)
        16
        """
        return -(-size // self.lanes) * self.lanes

    def apart(self, size: int, *, same: int = 256) -> int:
        """Return how far apart rows of so many numbers lie.

        Rows a multiple of `same` numbers apart would share a few lines of the first cache, and
        drive each other out of it; a vector more puts an end to that.
        """
        stride = self.padded(size)
        return stride + self.lanes if stride % same == 0 else stride
