"""Executors start workers; the workers pull their work from the storage."""

from luthier.core import Executor
from luthier.executors.local import Local

NAMES = ("local",)


def load(name: str) -> Executor:
    """Return the executor of a name.

    >>> type(load("local")).__name__
    'Local'
    """
    if name == "local":
        return Local()
    raise ValueError(f"no executor '{name}'. There is: {', '.join(NAMES)}.")
