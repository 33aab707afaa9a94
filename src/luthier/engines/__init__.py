"""Engines train: each gets a captured network and arrays, and returns curves and state."""

from luthier.core import Engine

NAMES = ("torch_eager",)


def load(name: str) -> Engine:
    """Return the engine of a name; its libraries are imported now.

    >>> load("torch_eager").slots
    1
    """
    if name == "torch_eager":
        from luthier.engines.torch_eager import TorchEager

        return TorchEager()
    raise ValueError(f"no engine '{name}'. There is: {', '.join(NAMES)}.")
