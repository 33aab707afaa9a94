"""Engines train: each gets a captured network and arrays, and returns curves and state."""

from luthier.core import Engine, LuthierError, MissingExtraError, did_you_mean

NAMES = ("compiled", "torch_eager")


def load(name: str) -> Engine:
    """Return the engine of a name; its libraries are imported now.

    Raises:
        LuthierError: when there is none of that name.
        MissingExtraError: when a library is not installed.

    >>> load("torch_eager").slots
    1
    """
    if name == "compiled":
        try:
            from luthier.engines.compiled import Compiled
        except ModuleNotFoundError as error:
            if error.name != "jax":
                raise
            raise MissingExtraError("JAX", "fast", "the compiled engine") from None
        return Compiled()
    if name == "torch_eager":
        from luthier.engines.torch_eager import TorchEager

        return TorchEager()
    raise LuthierError(
        f"no engine '{name}'.{did_you_mean(name, NAMES)} There is: {', '.join(NAMES)}. "
        "Leave it out to take the best there is."
    )
