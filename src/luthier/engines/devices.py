"""Which device trains: the CPU, or a GPU that JAX sees."""

from __future__ import annotations

from importlib.util import find_spec

from luthier.core import LuthierError, did_you_mean

NAMES = ("auto", "cpu", "cuda")
_PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin")  # without one, JAX sees no GPU


def engine_on(device: str, engine: str = "auto", framework: str = "torch", *, many: bool) -> str:
    """Return the engine for a device.

    A GPU is worth it where many trials train side by side: one alone leaves it idle.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.
        engine: What was asked for; ``auto`` leaves it to the device.
        framework: Whose networks they are: a GPU trains those of PyTorch.
        many: Whether many trials are to train, as in a search.

    Raises:
        LuthierError: when there is no such device, or an engine was named that has no place on it.

    >>> engine_on("cpu", many=True), engine_on("auto", "compiled", many=True)
    ('auto', 'compiled')
    """
    if device not in NAMES:
        raise LuthierError(
            f"no device '{device}'.{did_you_mean(device, NAMES)} There is: {', '.join(NAMES)}. "
            "Leave it out to take the best there is."
        )
    if device == "cpu" and engine.endswith("_cuda"):
        raise LuthierError(f"the engine {engine} was asked for on the CPU. Leave --device out.")
    if device == "cuda" and engine not in ("auto", "packed", "packed_cuda"):
        raise LuthierError(
            f"the engine {engine} trains on the CPU, and --device cuda asks for a GPU. "
            "Leave one of them out."
        )
    if device == "cuda" and framework != "torch":
        raise LuthierError(
            f"luthier trains networks of PyTorch on a GPU, and these are of {framework}. "
            "Leave --device out."
        )
    if device == "cuda":
        return "packed_cuda"
    if device == "auto" and engine == "auto" and framework == "torch" and many and _sees_gpu():
        return "packed_cuda"
    return engine


def _sees_gpu() -> bool:
    """Tell whether JAX is installed for a GPU, and there is one."""
    if not any(find_spec(name) for name in _PLUGINS) or not find_spec("jax"):
        return False
    from luthier.engines.compiled import xla

    return xla.device("cuda") is not None
