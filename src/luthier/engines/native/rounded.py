"""Products of rounded numbers, by a processor's own tiles: ten times as many a second.

Intel's AMX multiplies sixteen rows of 32 bfloat16 by sixteen columns in one instruction and sums in
single precision (Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3).
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from luthier.engines.chunks.processor import abilities
from luthier.engines.native.files import written
from luthier.engines.native.microkernels import declared
from luthier.engines.native.tiles import ARGUMENTS
from luthier.engines.native.turning import block_source

_ASK, _TILES = 0x1023, 18  # arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux' numbers
_ARCH_PRCTL = 158


@cache
def tiles() -> bool:
    """Tell whether this process may use such tiles: Linux gives them to a process that asks."""
    if platform.system() != "Linux" or not {"amx_bf16", "avx512_bf16"} <= abilities():
        return False
    return bool(ctypes.CDLL(None).syscall(_ARCH_PRCTL, _ASK, _TILES) == 0)


@dataclass(frozen=True)
class RoundedSliding:
    """The same for `Sliding`: rows are what a window sees, or the places that it moves to.

    Args:
        parts: As of `Machine`.
    """

    parts: int

    @property
    def name(self) -> str:
        """Name of the function."""
        return f"slid_{self.parts}"

    @property
    def declaration(self) -> str:
        """What stands before its first call."""
        return f"void {self.name}(const Slide *at, {ARGUMENTS}, long given, uint16_t *room)"

    def source(self) -> str:
        """Return the function and what it calls."""
        return _source("slid.c", self.parts, (4, 1024), {"declaration": self.declaration})


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
        texts["follow"] = str(int(not self.turned))
        return _source("rounded.c", self.parts, (1, 512), texts)


def _source(name: str, parts: int, sizes: tuple[int, int], texts: Mapping[str, object]) -> str:
    """Return a file behind what all such loops share.

    Args:
        name: Of the file.
        parts: As of `Machine`.
        sizes: Columns of B that are laid out at a time, in 32; and rows of it.
        texts: What is filled in.
    """
    named = zip(("PARTS", "PANELS", "MOST"), (parts, *sizes), strict=True)
    head = "".join(f"#define {one} {size}\n" for one, size in named)
    return f"{head}{block_source(16)}{written('rounded.h')}{written(name, texts)}"
