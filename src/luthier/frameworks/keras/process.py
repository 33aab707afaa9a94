"""Keras' backend: chosen before Keras is first imported, and then the process' own."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from luthier.core import LuthierError, MissingExtraError

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def backend() -> str:
    """Return the name of the backend of this process: tensorflow, jax or torch.

    >>> backend() in BACKENDS
    True
    """
    import keras

    return str(keras.config.backend())


def require(wanted: str | None = None) -> None:
    """Import Keras, on a backend that is installed.

    Args:
        wanted: The backend; None takes what the environment or the user's settings say.

    Raises:
        MissingExtraError: where Keras is not installed.
        LuthierError: for a backend that is not installed, is none, or is not the one that this
            process has imported already.
    """
    if find_spec("keras") is None:
        raise MissingExtraError("Keras", "keras", "training a Keras network")
    if "keras" in sys.modules:
        running, said = backend(), os.environ.get("KERAS_BACKEND")
        asked = wanted or (said if said in BACKENDS else None)
        if asked is not None and asked != running:
            raise LuthierError(
                f"Keras runs on {running} in this process, but {asked} was asked for. A process "
                f"has one backend, from Keras' first import on. Start a new one, "
                f"KERAS_BACKEND={asked} python ..., or set it above the first `import keras`."
            )
        return
    name = wanted or os.environ.get("KERAS_BACKEND")
    if name is not None:
        if name not in BACKENDS:
            raise LuthierError(
                f"KERAS_BACKEND is '{name}', but luthier trains on one of "
                f"{', '.join(BACKENDS)}. Write, for example: KERAS_BACKEND=tensorflow"
            )
        if find_spec(BACKENDS[name]) is None:
            others = [one for one, module in BACKENDS.items() if find_spec(module)]
            installed = f"Installed is {', '.join(others)}" if others else "No other is installed"
            raise LuthierError(
                f"KERAS_BACKEND is '{name}', which is not installed. {installed}. "
                f"Install it (pip install {_package(name)})"
                + (f", or choose: KERAS_BACKEND={others[0]}" if others else "")
            )
        os.environ["KERAS_BACKEND"] = name
    try:
        import keras  # noqa: F401 - its import is what is wanted
    except ImportError as error:
        raise LuthierError(
            f"Keras cannot be imported: {error}. Choose a backend that is installed, for "
            "example: KERAS_BACKEND=torch"
        ) from error


def _package(name: str) -> str:
    return "tensorflow-cpu" if name == "tensorflow" else name
