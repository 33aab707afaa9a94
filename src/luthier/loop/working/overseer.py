"""The overseer of workers in other processes: it shows their progress and buries their dead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from luthier.core import Death, Executor, History, LuthierError, Stop, Storage, Trial, nothing
from luthier.loop.working.budget import Budget
from luthier.loop.working.following import Following
from luthier.loop.working.interrupt import interruptible
from luthier.loop.working.worker import GIVE_UP, is_of, release_dead

KILLED = 3  # kills of one trial at one epoch: one is a person's, three are how memory runs out
STILLBORN = 3  # workers in a row that took on no trial: the next one would not either


@dataclass
class Overseer:
    """Looks after the workers that one command has started on a study.

    Args:
        study: Name of the study.
        storage: Where it lives.
        budget: Says what is left.
        notify: Called with the history as it grows.
        following: Who has read it before, if anyone has.

    Attributes:
        interrupted: Whether someone pressed Ctrl-C, or asked for a stop from elsewhere.
    """

    study: str
    storage: Storage
    budget: Budget
    notify: Callable[[History], None] = nothing
    following: Following | None = None
    _history: History = field(default_factory=History, init=False)
    _killed: dict[tuple[int, int], int] = field(default_factory=dict, init=False)
    _epochs: int = field(default=0, init=False)
    _deaths: int = field(default=0, init=False)
    _stillborn: int = field(default=0, init=False)
    _executor: Executor | None = field(default=None, init=False)
    _stops: int = field(default=0, init=False)
    interrupted: bool = field(default=False, init=False)

    def run(
        self, executor: Executor, work: Callable[[int, Stop], Any], workers: int
    ) -> Sequence[Any]:
        """Have workers do their work; Ctrl-C once ends it after the epoch, twice at once.

        So does `Storage.ask_to_stop`, which anyone may call who sees the storage.

        Raises:
            LuthierError: for what a worker raised, and when worker after worker dies.
        """
        release_dead(self.storage, self.study)
        self._read()
        self._executor, self._stops = executor, self._history.stops
        try:
            with interruptible(partial(self._interrupt, executor)):
                done = executor.launch(work, workers, watch=self.look, bury=self.bury)
            self._read()
            self.interrupted |= self._history.stops > self._stops
            return done
        finally:
            release_dead(self.storage, self.study)

    def look(self) -> None:
        """Show how far the study is."""
        self._read()
        if self._history.stops > self._stops and not self.interrupted and self._executor:
            self._interrupt(self._executor)
        self.notify(self.budget.left(self._history))

    def bury(self, death: Death) -> None:
        """Fail what killed a worker; give back what it was killed with from outside.

        Raises:
            LuthierError: when worker after worker dies without an epoch between.
        """
        self._read()
        mine = [w for w in self.storage.workers(self.study) if is_of(w, death.process)]
        held = [number for worker in mine for number in self.storage.held(self.study, worker)]
        cause = None
        for trial in (self._history.trials[number] for number in held):
            cause = self._cause(death, trial)
        for worker in mine:
            self.storage.release(self.study, worker, cause)
        self._check_hope(death, bool(held))

    def _interrupt(self, executor: Executor) -> None:
        self.interrupted = True
        executor.stop(now=False)

    def _cause(self, death: Death, trial: Trial) -> str | None:
        """Return why a trial fails; None where its worker's death may be none of its doing."""
        if not death.killed:
            return f"the worker {death.cause} while training it"
        key = (trial.number, trial.epochs)
        self._killed[key] = self._killed.get(key, 0) + 1
        if self._killed[key] < KILLED:
            return None
        return (
            f"out_of_memory?: {KILLED} workers in a row were killed at epoch {trial.epochs + 1}, "
            f"the last one {death.cause}; a system does that when memory runs out"
        )

    def _check_hope(self, death: Death, trained: bool) -> None:
        progress = self._history.epochs > self._epochs
        self._epochs = self._history.epochs
        self._deaths = 1 if progress else self._deaths + 1
        self._stillborn = 0 if trained else 1 if progress else self._stillborn + 1
        if self._stillborn >= STILLBORN:
            raise LuthierError(
                f"{STILLBORN} workers in a row ended before they took on a trial; the last one "
                f"{death.cause}. Mend that, or run without --workers to see more of it."
            )
        if self._deaths >= GIVE_UP:
            raise LuthierError(
                f"the last {GIVE_UP} workers died without an epoch between; the last one "
                f"{death.cause}. Mend that, and run the same command again."
            )

    def _read(self) -> None:
        self.following = self.following or Following(self.storage)
        self._history = self.following.history(self.study)
