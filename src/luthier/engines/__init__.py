"""Engines train: each gets a captured network and arrays, and returns curves and state."""

from luthier.core import Engine, LuthierError, MissingExtraError, did_you_mean

REFERENCES = {"torch": "torch_eager", "keras": "keras_eager"}  # each framework's own training
# What trains many times faster where it can; the faster first.
FAST = {"torch": ("native", "compiled"), "keras": ("compiled",)}
# What trains many trials side by side, by device; on a CPU that brings nothing, and is for tests.
PACKS = {"cpu": "packed", "cuda": "packed_cuda"}
NAMES = ("native", "compiled", "packed", "packed_cuda", "keras_eager", "torch_eager")


def prepare(name: str, optimizer: str, loss: str) -> None:
    """Have ready what an engine needs that no network decides, unless it is; errors come later.

    Args:
        name: One of `NAMES`, or ``auto``.
        optimizer: Of the networks to come.
        loss: Of them.
    """
    if name in ("auto", "native"):
        from luthier.engines.native.parts import prepare_parts

        prepare_parts(optimizer, loss)


def load(name: str, framework: str = "torch") -> Engine:
    """Return the engine of a name; its libraries are imported now.

    Args:
        name: One of `NAMES`.
        framework: Whose networks it is to train.

    Raises:
        LuthierError: when there is none of that name.
        MissingExtraError: when a library is not installed.

    >>> load("torch_eager").slots
    1
    """
    if name == "compiled" and framework == "keras":
        from luthier.engines.keras_compiled import KerasCompiled

        return KerasCompiled()
    if name == "compiled":
        try:
            from luthier.engines.compiled import Compiled
        except ModuleNotFoundError as error:
            if error.name != "jax":
                raise
            raise MissingExtraError("JAX", "fast", "the compiled engine") from None
        return Compiled()
    if name in ("packed", "packed_cuda"):
        try:
            from luthier.engines.packed import Packed
        except ModuleNotFoundError as error:
            if error.name != "jax":
                raise
            raise MissingExtraError("JAX", "fast", "the packed engine") from None
        return Packed("cuda" if name == "packed_cuda" else "cpu")
    if name == "keras_eager":
        try:
            from luthier.engines.keras_eager import KerasEager
        except ModuleNotFoundError as error:
            if error.name != "keras":
                raise
            raise MissingExtraError("Keras", "keras", "the engine of Keras networks") from None
        return KerasEager()
    if name == "native":
        from luthier.engines.native import Native

        return Native()
    if name == "torch_eager":
        from luthier.engines.torch_eager import TorchEager

        return TorchEager()
    raise LuthierError(
        f"no engine '{name}'.{did_you_mean(name, NAMES)} There is: {', '.join(NAMES)}. "
        "Leave it out to take the best there is."
    )
