"""Executors start workers; the workers pull their work from the storage."""

from luthier.core import Executor, LuthierError, did_you_mean
from luthier.executors.local import Local

NAMES = ("local",)


def load(name: str) -> Executor:
    """Return the executor of a name.

    Raises:
        LuthierError: when there is none of that name.

    >>> type(load("local")).__name__
    'Local'
    """
    if name == "local":
        return Local()
    raise LuthierError(
        f"no executor '{name}'.{did_you_mean(name, NAMES)} There is: {', '.join(NAMES)}. "
        "Leave it out to take the best there is."
    )
