"""Engines train: each gets a captured network and arrays, and returns curves and state."""

from luthier.core import Engine, LuthierError, did_you_mean

NAMES = ("torch_eager",)


def load(name: str) -> Engine:
    """Return the engine of a name; its libraries are imported now.

    Raises:
        LuthierError: when there is none of that name.

    >>> load("torch_eager").slots
    1
    """
    if name == "torch_eager":
        from luthier.engines.torch_eager import TorchEager

        return TorchEager()
    raise LuthierError(
        f"no engine '{name}'.{did_you_mean(name, NAMES)} There is: {', '.join(NAMES)}. "
        "Leave it out to take the best there is."
    )
