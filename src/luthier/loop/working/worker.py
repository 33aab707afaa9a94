"""The loop: decide, claim, train, store, until the budget is spent."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from luthier.core import (
    OVER,
    Claim,
    Curves,
    History,
    LuthierError,
    State,
    Stop,
    Storage,
    Strategy,
    StudyRecord,
    nothing,
)
from luthier.loop.ranges import searched
from luthier.loop.training.trainer import Trainer, TrialError
from luthier.loop.working.budget import Budget
from luthier.loop.working.eviction import evictions
from luthier.search.growing import within
from luthier.search.informed import informed

log = logging.getLogger(__name__)

LEASE = 30.0  # seconds until a silent worker counts as dead: many times its renewal's period
STORE_EVERY = 1.0  # seconds of training that a kill may cost
PAUSES = (0.005, 0.1)  # seconds until an idle worker looks again: at first, and after a while
READ_EVERY = 0.05  # seconds between looks at what others do, while there are steps to take
LOOK_AROUND = 1.0  # seconds between looks for dead workers, while there is nothing to train
GIVE_UP = 20  # trials in a row without a single epoch: then it is not the recipes


@dataclass
class Worker:
    """One worker on a study.

    Args:
        study: What the study is about.
        storage: Where it lives.
        strategy: Decides what comes next.
        budget: When to end.
        trainer: Trains what was claimed.
        stop: Someone's wish to end.
        notify: Called with the history after each change, for whoever watches.
        history: As this process has read it before.
        purpose: What it works on: a search may not see what confirms.

    Attributes:
        trained: How many epochs this worker trained, by trial.
    """

    study: StudyRecord
    storage: Storage
    strategy: Strategy
    budget: Budget
    trainer: Trainer
    stop: Stop
    notify: Callable[[History], None] = nothing
    history: History = field(default_factory=History)
    purpose: str = "search"
    hopeless: float = field(default=0.0, init=False)
    trained: dict[int, int] = field(default_factory=dict, init=False)
    _stops: int | None = field(default=None, init=False)  # before it began
    _seen: float = field(default=0.0, init=False)  # when it last read the history
    _pause: float = field(default=PAUSES[0], init=False)
    _diagnosed: dict[int, tuple[int, frozenset[str]]] = field(default_factory=dict, init=False)

    def run(self, index: int = 0) -> None:
        """Work until the budget is spent, the space is used up, or someone asks to stop.

        Raises:
            LuthierError: when trial after trial fails before its first epoch.
        """
        me = worker_name(index)
        release_dead(self.storage, self.study.name)
        self._counted = self._looked = time.monotonic()
        with alive(self.storage, self.study.name, me):
            soon = False
            while not self.stop.asked:
                if not soon:
                    self._read()
                    if self.stop.asked or self.budget.spent(self.history):
                        return
                claim = self.storage.claim(self.study.name, me, LEASE)
                if claim is not None:
                    self._take_on(claim)
                    # After a short trial that nobody watches: reading would take a tenth of it.
                    soon = self.notify is nothing and time.monotonic() - self._seen < READ_EVERY
                elif soon:
                    soon = False  # what is decided next, all that is known decides
                elif not (self._decide() or self._others()):
                    return

    def _decide(self) -> bool:
        """Plan the next steps; tell whether there are any."""
        if evicted := evictions(self.history):
            self.storage.evict(self.study.name, evicted)
            self._read()
        choice = self.trainer.choice
        history = self.budget.left(self.history, choice.price)
        history = replace(history, reads_rates=choice.reads_rates)
        rng = np.random.default_rng([history.seed, history.decisions])
        space, seen = self.study.space, history
        if self.purpose == "search":
            space, _ = searched(self.study, history)
            if self.study.about.get("feedback"):
                space, _ = informed(space, history.searched, self._problems(history.searched))
            seen = within(space, history.searched)
        steps = self.budget.afford(self.strategy(space, seen, rng), history)
        if steps:
            self.storage.plan(self.study.name, history.decisions, steps)
        return bool(steps)

    def _others(self) -> bool:
        """Wait for a moment if others have steps; tell whether they do."""
        others = any(trial.state in ("waiting", "running") for trial in self.history.trials)
        if others:
            self._wait()  # what other workers find may call for more
        return others

    def _problems(self, history: History) -> dict[int, frozenset[str]]:
        """Return what is loudly wrong with each trial; each state of one is diagnosed once."""
        from luthier.loop.evidence import diagnose_trial  # most searches ask no rule

        for trial in history.trials:
            if self._diagnosed.get(trial.number, (0, frozenset()))[0] != trial.epochs:
                found = diagnose_trial(trial, self.trainer).findings
                loud = frozenset(one.problem for one in found if one.severity != "info")
                self._diagnosed[trial.number] = (trial.epochs, loud)
        return {number: loud for number, (_, loud) in self._diagnosed.items() if loud}

    def _wait(self) -> None:
        time.sleep(self._pause)
        self._pause = min(1.5 * self._pause, PAUSES[1])
        if time.monotonic() - self._looked >= LOOK_AROUND:
            release_dead(self.storage, self.study.name)
            self._looked = time.monotonic()

    def _take_on(self, claim: Claim) -> None:
        """Train a step as far as the budget allows: another one may have planned it.

        What others have taken on is as good as spent. Who claims looks afterwards, so that of
        two that claim at once, at least one sees the other.
        """
        if paid := self._affordable(claim):
            self._train(paid)
        else:
            self._wait()

    def _affordable(self, claim: Claim) -> Claim | None:
        """Return as much of a step as the budget allows; decline what it does not."""
        if self.budget.epochs == float("inf"):
            return claim
        self._read()
        others = sum(
            trial.planned
            for trial in self.history.trials
            if trial.state == "running" and trial.number != claim.trial.number
        )
        left = self.budget.epochs - self.history.epochs - others
        if left > 0:
            return replace(claim, until=int(min(claim.until, claim.trial.epochs + left)))
        self.storage.decline(self.study.name, claim)
        return None

    def _train(self, claim: Claim) -> None:
        """Train a claimed step; store what is new every second and at its end."""
        epochs, engine, self._pause = claim.trial.epochs, "", PAUSES[0]
        try:
            training = self.trainer.place(claim)
            engine = training.engine.name
            stored, saved = None, claim.state is not None
            while not training.ended:
                training.advance(seconds=STORE_EVERY / 5)
                epochs = len(training.curves)
                if stored is None:
                    # The first epoch is stored at once, so that a killed worker got somewhere;
                    # unless the last one is as near.
                    near = training.seconds_left < STORE_EVERY
                    stored = time.monotonic() - (0.0 if near else STORE_EVERY)
                if training.ended or self.stop.asked or time.monotonic() - stored >= STORE_EVERY:
                    ended = training.outcome() if training.ended else None
                    finished = ended is not None and ended[0] == "finished"
                    kept = saved or not finished or self._keeps(claim, training.curves)
                    curves, state = training.news(kept=kept)
                    saved = True
                    if not self._advance(claim, curves, state, engine, ended):
                        return  # the lease ran out, and another worker has taken over
                    number = claim.trial.number
                    self.trained[number] = self.trained.get(number, 0) + len(curves)
                    if ended is not None:
                        self._hope(epochs, ended[1])
                        return
                    stored = time.monotonic()
                    if self.budget.spent(self.history):
                        break  # of time, or of epochs that others trained meanwhile
                if self.stop.asked and not training.ended:
                    self.storage.release(self.study.name, claim.worker)
                    return
            outcome, cause = training.outcome()
        except TrialError as error:
            outcome, cause = "failed", str(error)
        self.storage.finish(self.study.name, claim, outcome, cause, engine=engine)
        self._hope(epochs, cause)

    def _keeps(self, claim: Claim, curves: Curves) -> bool:
        """Tell whether the state of a trial that has finished is worth storing."""
        ended = replace(claim.trial, curves=curves, state="finished", stored=True)
        trials = self.history.trials
        trials = tuple(ended if trial.number == ended.number else trial for trial in trials)
        return ended.number not in evictions(replace(self.history, trials=trials))

    def _hope(self, epochs: int, cause: str | None) -> None:
        # What a limit forbids cost milliseconds, and in a strict space many are.
        lost = 0.1 if str(cause).startswith(OVER) else 1.0
        self.hopeless = 0.0 if epochs else self.hopeless + lost
        check_hope(self.hopeless, cause)

    def _advance(
        self,
        claim: Claim,
        curves: Curves,
        state: State | None,
        engine: str,
        outcome: tuple[str, str | None] | None = None,
    ) -> bool:
        now = time.monotonic()
        seconds, self._counted = now - self._counted, now
        mine = self.storage.advance(
            self.study.name, claim, curves, state, seconds=seconds, outcome=outcome, engine=engine
        )
        if outcome is None:  # else whoever is called next looks anyway
            self._read()
        return mine

    def _read(self) -> None:
        before, newer = self.history, self.storage.history(self.study.name, self.history.changed)
        self.history = before.merge(newer)
        if self._stops is not None and self.history.stops > self._stops:
            self.stop.asked = True
        self._stops = self.history.stops
        self._seen = time.monotonic()
        self.notify(self.budget.left(self.history))


@contextmanager
def alive(storage: Storage, study: str, me: str) -> Iterator[None]:
    """Renew a worker's lease in the background, as an epoch may take longer; give back at the end.

    Args:
        storage: Where the study lives.
        study: Its name.
        me: The worker.
    """
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE / 5):
            try:
                storage.renew(study, me, LEASE)
            except LuthierError as error:
                # The next try may succeed before the lease runs out.
                log.warning("the lease could not be renewed: %s", error)

    thread = threading.Thread(target=renew, name="luthier-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        storage.release(study, me)


def worker_name(index: int) -> str:
    """Return a name that tells host, process and the process' start, so that death can be seen."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}:{index}"


def is_of(worker: str, process: int) -> bool:
    """Tell whether a worker's name is of a process of this machine."""
    host, pid, _, _ = worker.rsplit(":", 3)
    return (host, int(pid)) == (socket.gethostname(), process)


def release_dead(storage: Storage, study: str) -> None:
    """Give back what workers held that died on this machine; others' leases run out."""
    for worker in storage.workers(study):
        host, pid, started, _ = worker.rsplit(":", 3)
        if host == socket.gethostname() and _started(int(pid)) != started:
            storage.release(study, worker)


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; an empty text if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        try:
            os.kill(pid, 0)
        except OSError:
            return ""
        return "alive"
    return text.rpartition(")")[2].split()[19]


def check_hope(hopeless: float, cause: str | None) -> None:
    """Give up after many trials in a row without an epoch.

    Raises:
        LuthierError: with what ended the last of them.
    """
    if hopeless >= GIVE_UP:
        raise LuthierError(
            f"the last {hopeless:.0f} trials ended before their first epoch; the last one: "
            f"{cause}. Mend that, and run the same command again."
        )
