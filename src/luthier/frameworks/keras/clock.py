"""Time that something takes, and not the machine that is busy with something else."""

from __future__ import annotations

import time


class Clock:
    """Seconds on the wall since it was made, less those that a busy machine let it wait.

    >>> Clock()() >= 0.0
    True
    """

    def __init__(self) -> None:
        self._wall, self._own = time.monotonic(), time.process_time()

    def __call__(self) -> float:
        """Return the smaller of the two."""
        return min(time.monotonic() - self._wall, time.process_time() - self._own)
