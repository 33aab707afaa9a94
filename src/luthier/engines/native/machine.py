"""What code is written for: the width of this processor's vectors."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from luthier.engines.chunks.processor import abilities


@dataclass(frozen=True)
class Machine:
    """A kind of processor, for one type of numbers.

    Args:
        lanes: Numbers of a vector.
        accumulators: Vectors that a tile of a product may take: what is left of the registers
            once there is room for what it loads.
        double: Whether numbers are doubles.
    """

    lanes: int
    accumulators: int
    double: bool

    @classmethod
    def here(cls, *, double: bool) -> Machine:
        """Return this machine."""
        flags = abilities()
        size, registers = (64, 32) if "avx512f" in flags else (32, 16)
        if not {"avx512f", "avx2"} & flags:
            size, registers = 16, 32 if platform.machine() in ("aarch64", "arm64") else 16
        return cls(size // (8 if double else 4), registers - 8 if registers > 16 else 12, double)

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
