"""Shared libraries of a framework: what may be loaded before, and beside, its import."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def libraries(name: str) -> tuple[str, ...]:
    """Return the paths of the shared libraries that take longest to load.

    A third of PyTorch's import loads one library (0.2 to 0.3 s of 0.75), and Python computes
    nothing meanwhile. With a GPU's libraries beside it there is an order in which to load them,
    which PyTorch knows: those are left to it.

    >>> libraries("keras")
    ()
    """
    found = find_spec("torch") if name == "torch" else None
    if found is None or found.origin is None:
        return ()
    folder = Path(found.origin).parent / "lib"
    large = folder / "libtorch_cpu.so"
    alone = not any((folder / f"libtorch_{other}.so").exists() for other in ("cuda", "hip", "xpu"))
    return (str(large),) if alone and large.exists() else ()
