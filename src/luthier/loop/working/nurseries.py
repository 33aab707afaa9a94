"""What workers will need, imported once and while the command itself gets ready."""

from __future__ import annotations

from contextlib import AbstractContextManager

from luthier import executors
from luthier.executors import Nursery
from luthier.frameworks.libraries import libraries

# What needs PyTorch comes last: the others are imported while its library is loaded.
_MODULES = (
    "luthier.engines.native",
    "luthier.loop.working.work",
    "luthier.loop.working.elsewhere",
    "luthier.loop.working.launcher",
    "luthier.frameworks.torch",
    "luthier.engines.torch_eager",
)
_LATER = ("luthier.storage",)  # networks are tried, and their engine is chosen, without one
# What of all that loads libraries of its own; databases do, and are imported when that is over.
_BEFORE = ("numpy", "csv", "fcntl", "hashlib", "mmap", "queue", "shutil", "socket", "statistics")


def nursery_for(workers: int, framework: str | None) -> AbstractContextManager[Nursery | None]:
    """Have a nursery while a command runs; it is None where workers start as fast without one.

    Args:
        workers: How many the command will have.
        framework: Whose networks were asked for; None where the builder tells, which is not read
            yet. Those of Keras import their backend themselves: it starts threads.
    """
    needed = workers > 1 and framework != "keras"
    large = libraries("torch") if needed else ()
    return executors.nursery(_MODULES, large, _BEFORE, _LATER, needed=needed)
