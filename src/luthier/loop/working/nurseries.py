"""What workers will need, imported once and while the command itself gets ready."""

from __future__ import annotations

from contextlib import AbstractContextManager

from luthier import executors
from luthier.executors import Nursery

# In an order that begins with what takes longest.
_MODULES = (
    "luthier.frameworks.torch",
    "luthier.engines.torch_eager",
    "luthier.engines.native",
    "luthier.storage",
    "luthier.loop.working.work",
)


def nursery_for(workers: int, framework: str | None) -> AbstractContextManager[Nursery | None]:
    """Have a nursery while a command runs; it is None where workers start as fast without one.

    Args:
        workers: How many the command will have.
        framework: Whose networks were asked for; None where the builder tells, which is not read
            yet. Those of Keras import their backend themselves: it starts threads.
    """
    return executors.nursery(_MODULES, needed=workers > 1 and framework != "keras")
