"""Products of rounded numbers, by a processor's own tiles: ten times as many a second.

Intel's AMX multiplies sixteen rows of 32 bfloat16 by sixteen columns in one instruction and sums in
single precision (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3).
"""

from __future__ import annotations

import ctypes
import platform
from dataclasses import dataclass
from functools import cache

from luthier.engines.chunks.processor import abilities
from luthier.engines.native.files import written
from luthier.engines.native.microkernels import declared

_ASK, _TILES = 0x1023, 18  # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux' numbers
_ARCH_PRCTL = 158


@cache
def tiles() -> bool:
    """Tell whether this process may use such tiles: Linux gives them to a process that asks."""
    if platform.system() != "Linux" or not {"amx_bf16", "avx512_bf16"} <= abilities():
        return False
    return bool(ctypes.CDLL(None).syscall(_ARCH_PRCTL, _ASK, _TILES) == 0)


@dataclass(frozen=True)
class Rounded:
    """A product's loops around tiles: takes the place of a `Microkernel`.

    Args:
        parts: As of `Machine`.
        turned: Whether A lies transposed: its columns one after the other.
    """

    parts: int
    turned: bool

    @property
    def name(self) -> str:
        """Name of the function."""
        return f"product_of_{self.parts}{'_turned' * self.turned}"

    @property
    def declaration(self) -> str:
        """What stands before its first call."""
        return declared(self.name)

    def source(self) -> str:
        """Return the function and what it calls."""
        down, across = ("1", "at->far") if self.turned else ("at->far", "1")
        texts = {"declaration": self.declaration, "down": down, "across": across}
        follow = {"follow": int(not self.turned)}
        return f"#define PARTS {self.parts}\n{written('rounded.c', texts | follow)}"
