"""The processes executor: workers in fresh processes of this machine, one thread and core each."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

from luthier.core import Death, LuthierError, Stop, nothing
from luthier.executors.crew import Member
from luthier.executors.crossing import pack
from luthier.executors.nursery import Nursery
from luthier.executors.signals import interrupts_blocked

log = logging.getLogger(__name__)

POLL = 0.02  # seconds until a death or a wish to end is seen: less than a person notices
WATCH_EVERY = 0.25  # seconds between calls of `watch`: as often as a live view is drawn


class Processes:
    """Runs each worker in a process of its own, and a fresh one in place of one that died.

    A process is started anew, or is a copy of a nursery's, which was; never of this one: threads
    and locks of numerical libraries do not survive a fork. Each is kept to one core, round robin
    over those that this process may use. When this process ends, however it ends, its workers
    end within a moment.

    Args:
        nursery: Makes workers faster than starting them anew.

    >>> Processes().refuses(2)
    """

    def __init__(self, nursery: Nursery | None = None) -> None:
        self._nursery = nursery
        self._stop = Stop()
        self._now = False
        self._dead: dict[int, str] = {}

    def refuses(self, workers: int) -> str | None:
        """Return why it cannot run that many workers, or not on this system."""
        if os.name != "posix":
            return (
                "the processes executor needs Linux or another Unix, and this is neither. "
                "Leave workers and executor out: one worker runs anywhere."
            )
        if workers < 1:
            return (
                f"the processes executor got {workers} workers, and needs one or more. "
                "Take as many as there are cores: --workers 2"
            )
        return None

    def launch(
        self,
        work: Callable[[int, Stop], Any],
        workers: int,
        *,
        watch: Callable[[], None] = nothing,
        bury: Callable[[Death], None] = nothing,
    ) -> Sequence[Any]:
        """Start workers, and wait until all have ended.

        Raises:
            LuthierError: for work that cannot be sent to another process.
        """
        reason = self.refuses(workers)
        if reason is not None:
            raise LuthierError(reason)
        if self._stop.asked:
            return []
        cores = _cores()
        if workers > len(cores):
            log.warning(
                "%d workers share %d core%s: more than one a core makes a search no faster",
                workers,
                len(cores),
                "s" * (len(cores) > 1),
            )
        with TemporaryFile() as file:  # without a name: only those who hold it open can read it
            file.write(pack(work))
            file.flush()
            shift = _Shift(file.fileno(), cores, self._dead, self._ready_nursery())
            if self._stop.asked:
                return []
            with _killed_in_the_end(shift.members):
                for index in range(workers):
                    shift.start(index)
                self._wait(shift, watch, bury)
        if shift.error is not None:
            raise shift.error
        return [shift.values.get(index) for index in range(workers)]

    def dead(self) -> Mapping[int, str]:
        """Return the workers that died, with the cause of the last death."""
        return dict(self._dead)

    def stop(self, *, now: bool) -> None:
        """Ask the workers to end after their epoch, or end them at once."""
        self._stop.asked = True
        self._now = self._now or now

    def _ready_nursery(self) -> Nursery | None:
        """Wait until the nursery is ready, or it is known that it will not be."""
        if self._nursery is None:
            return None
        while self._nursery.ready(POLL) is None and not self._stop.asked:
            continue
        return self._nursery

    def _wait(
        self, shift: _Shift, watch: Callable[[], None], bury: Callable[[Death], None]
    ) -> None:
        watched = time.monotonic()
        while shift.members and not self._now:
            for index in shift.ended():
                death = shift.take_leave(index)
                if death is not None:
                    shift.bury(death, bury)
                    if not self._stop.asked and shift.error is None:
                        shift.start(index)
            if self._stop.asked or shift.error is not None:
                shift.ask_to_end()
            if time.monotonic() - watched >= WATCH_EVERY:
                watch()
                watched = time.monotonic()
            if shift.members:
                shift.wait(POLL)
        watch()  # and see how it ended


class _Shift:
    """The workers of one launch.

    Args:
        work: Number of the open file with the work.
        cores: Where they run.
        dead: Where deaths are written down.
        nursery: Makes workers, if there is one.
    """

    def __init__(
        self,
        work: int,
        cores: Sequence[int | None],
        dead: dict[int, str],
        nursery: Nursery | None,
    ) -> None:
        self.members: dict[int, Member] = {}
        self.values: dict[int, Any] = {}
        self.error: BaseException | None = None
        self._work = work
        self._cores = cores
        self._dead = dead
        self._nursery = nursery

    def start(self, index: int) -> None:
        """Start a worker, with Ctrl-C blocked until it can say that it ignores it."""
        with interrupts_blocked():
            core = self._cores[index % len(self._cores)]
            self.members[index] = Member.start(index, self._work, core, self._nursery)

    def wait(self, seconds: float) -> None:
        """Wait until a worker rests or ends, for some seconds at most."""
        lines = [member.control for member in self.members.values()]
        if select.select(lines, [], [], seconds)[0] and not self.ended():
            time.sleep(seconds)  # it has closed its line, and lives

    def ended(self) -> list[int]:
        """Return the workers that have ended."""
        return [index for index, member in self.members.items() if member.ended]

    def take_leave(self, index: int) -> Death | None:
        """Keep what a worker returned or raised; return its death if it did neither."""
        outcome = self.members[index].outcome()
        if outcome is None:
            return self.members[index].death()
        self.members.pop(index).leave()
        self.values[index], error = outcome
        self.error = self.error or error
        return None

    def bury(self, death: Death, bury: Callable[[Death], None]) -> None:
        """Tell of a death while the dead one's number cannot belong to anyone else yet."""
        self._dead[death.worker] = death.cause
        try:
            bury(death)
        except LuthierError as error:
            self.error = self.error or error
        finally:
            self.members.pop(death.worker).close()

    def ask_to_end(self) -> None:
        """Ask the workers to end after their epoch."""
        for member in self.members.values():
            member.ask_to_end()


def _cores() -> Sequence[int | None]:
    """Return the cores that this process may use; of unknown names where a system hides them."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return [None] * (os.cpu_count() or 1)


@contextmanager
def _killed_in_the_end(members: dict[int, Member]) -> Iterator[None]:
    """Leave no worker behind, whatever happens."""
    try:
        yield
    finally:
        for member in members.values():
            member.kill()
        for member in members.values():
            member.close()
