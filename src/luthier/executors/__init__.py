"""Executors start workers; the workers pull their work from the storage."""

from luthier.core import Executor, LuthierError, did_you_mean
from luthier.executors.nursery import Nursery, nursery

__all__ = ["NAMES", "Nursery", "load", "nursery"]

NAMES = ("local", "processes")


def load(name: str, workers: int = 1, nursery: Nursery | None = None) -> Executor:
    """Return the executor of a name, or for ``auto`` the one that suits a number of workers.

    Args:
        name: One of `NAMES`, or ``auto``.
        workers: How many it is to run.
        nursery: Makes worker processes, where it runs some.

    Raises:
        LuthierError: when there is none of that name, or it cannot run that many workers.

    >>> type(load("local")).__name__, type(load("auto", workers=2)).__name__
    ('Local', 'Processes')
    """
    executor = _made("local" if name == "auto" and workers == 1 else name, nursery)
    reason = executor.refuses(workers)
    if reason is not None:
        raise LuthierError(reason)
    return executor


def _made(name: str, nursery: Nursery | None) -> Executor:
    if name == "local":
        from luthier.executors.local import Local

        return Local()
    if name in ("processes", "auto"):
        from luthier.executors.processes import Processes

        return Processes(nursery)
    raise LuthierError(
        f"no executor '{name}'.{did_you_mean(name, NAMES)} There is: {', '.join(NAMES)}. "
        "Leave it out to take the best there is."
    )
