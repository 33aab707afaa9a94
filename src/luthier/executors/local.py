"""The local executor: one worker, in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luthier.core import Death, LuthierError, Stop, nothing


class Local:
    """Runs a worker here and now; what it raises reaches the caller.

    >>> Local().launch(lambda index, stop: (index, stop.asked), workers=1)
    [(0, False)]
    """

    def __init__(self) -> None:
        self._stop = Stop()

    def refuses(self, workers: int) -> str | None:
        """Return why it cannot run that many workers: it has room for one."""
        if workers == 1:
            return None
        return (
            f"the local executor got {workers} workers, and runs one: it is this process. "
            "For several: --executor processes --workers 2"
        )

    def launch(
        self,
        work: Callable[[int, Stop], Any],
        workers: int,
        *,
        watch: Callable[[], None] = nothing,
        bury: Callable[[Death], None] = nothing,
    ) -> Sequence[Any]:
        """Call `work`; return when it has ended. It shows its progress itself, and cannot die.

        Raises:
            LuthierError: for more than one worker, which this process has no room for.
        """
        reason = self.refuses(workers)
        if reason is not None:
            raise LuthierError(reason)
        return [] if self._stop.asked else [work(0, self._stop)]

    def dead(self) -> Mapping[int, str]:
        """Return no one: a worker that dies here takes this process along."""
        return {}

    def stop(self, *, now: bool) -> None:
        """Ask the worker to end after its epoch; at once is not in this process' power."""
        self._stop.asked = True
