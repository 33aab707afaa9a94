"""What executors and workers tell each other: a wish to end, and a death."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Stop:
    """Whether someone asked a worker to end after its epoch.

    Args:
        asked: Set once, never taken back.
    """

    asked: bool = False


@dataclass(frozen=True)
class Death:
    """How a worker ended that neither returned nor raised.

    Args:
        worker: Its index.
        process: The number that its process had.
        cause: What happened, to be read after "the worker".
        killed: Whether the blow may have come from outside: a person, or the system when memory
            runs out. Else it was the worker's own doing.

    >>> Death(0, 4711, "died of SIGSEGV", killed=False).cause
    'died of SIGSEGV'
    """

    worker: int
    process: int
    cause: str
    killed: bool


def nothing(*arguments: object) -> None:
    """Do nothing, for whoever watches nothing."""
