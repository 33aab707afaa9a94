"""The local executor: one worker, in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from luthier.core import LuthierError


class Local:
    """Runs a worker here and now; what it raises reaches the caller.

    >>> seen = []
    >>> Local().launch(seen.append, workers=1)
    >>> seen
    [0]
    """

    def __init__(self) -> None:
        self._stopped = False

    def refuses(self, workers: int) -> str | None:
        """Return why it cannot run that many workers: it has room for one."""
        if workers == 1:
            return None
        return (
            f"the local executor got {workers} workers, and runs one: it is this process. "
            "Leave --workers out, or start the same command once more beside this one."
        )

    def launch(self, work: Callable[[int], None], workers: int) -> None:
        """Call `work`; return when it has ended.

        Raises:
            LuthierError: for more than one worker, which this process has no room for.
        """
        reason = self.refuses(workers)
        if reason is not None:
            raise LuthierError(reason)
        if not self._stopped:
            work(0)

    def dead(self) -> Mapping[int, str]:
        """Return no one: a worker that dies here takes this process along."""
        return {}

    def stop(self, *, now: bool) -> None:
        """Start no worker any more; the one at work ends by its own stop sign."""
        self._stopped = True
