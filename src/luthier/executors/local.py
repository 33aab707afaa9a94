"""The local executor: workers run in this process, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Local:
    """Runs workers here and now; what they raise reaches the caller.

    >>> seen = []
    >>> Local().launch(seen.append, workers=1)
    >>> seen
    [0]
    """

    def __init__(self) -> None:
        self._stopped = False

    def launch(self, work: Callable[[int], None], workers: int) -> None:
        """Call `work` with each worker's index; return when all have ended."""
        for index in range(workers):
            if not self._stopped:
                work(index)

    def dead(self) -> Mapping[int, str]:
        """Return no one: a worker that dies here takes this process along."""
        return {}

    def stop(self, *, now: bool) -> None:
        """Start no further worker; the one at work ends by its own stop sign."""
        self._stopped = True
