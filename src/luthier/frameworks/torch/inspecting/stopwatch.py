"""How long something took, as a machine at rest would have it."""

from __future__ import annotations

import time

PATIENCE = 3.0  # times the budget that a busy machine may take


class Stopwatch:
    """Counts seconds of work: what other programs did meanwhile counts a third.

    Of one thread that is processor time, of several that of a clock on the wall.

    >>> 0.0 <= Stopwatch().seconds() < 1.0
    True
    """

    def __init__(self) -> None:
        self._wall, self._work = time.monotonic(), time.process_time()

    def seconds(self) -> float:
        """Return the seconds since it was made."""
        wall, work = time.monotonic() - self._wall, time.process_time() - self._work
        return max(min(wall, work), wall / PATIENCE)
