"""A worker that trains many trials side by side, in the slots of an engine of packs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from luthier.core import Claim, Engine, Signature
from luthier.loop.training.trainer import Made, TrialError, TrialRun, trial_errors
from luthier.loop.working.worker import LEASE, STORE_EVERY, Worker, alive, release_dead, worker_name

FEWEST = 8  # trials at a time: as many as strategies plan in one decision
PER_TRIAL = 4  # of a budget in trials, at most one in so many at a time: results must decide some


@dataclass
class PackWorker(Worker):
    """Claims steps of one structure for all slots, and fills a slot anew as its step ends.

    Trials of other structures wait until the pack is empty; then those come next that are most.
    What the engine refuses, and what changes its recipe while it trains, trains alone.

    How many train at a time is decided by what is left to spend, as a strategy that hears of no
    result until all is spent could as well draw at random: no more than full trainings are left.
    """

    seated: dict[int, tuple[Claim, TrialRun]] = field(default_factory=dict, init=False)
    aside: list[Made] = field(default_factory=list, init=False)
    structure: Signature | None = field(default=None, init=False)
    stored: float = field(default=0.0, init=False)
    storing: float = field(default=0.0, init=False)

    def run(self, index: int = 0) -> None:
        """Work until the budget is spent, the space is used up, or someone asks to stop.

        Raises:
            LuthierError: when trial after trial fails before its first epoch.
        """
        me = worker_name(index)
        release_dead(self.storage, self.study.name)
        self._counted = self._looked = time.monotonic()
        with alive(self.storage, self.study.name, me):
            while not self.stop.asked:
                self._read()
                if self.budget.spent(self.history):
                    self._end()
                    return
                self._gather(me)
                self._seat()
                if self.seated:
                    self._round()
                elif not (self.aside or self._others()):
                    return
            self._store(list(self.seated))

    @property
    def engine(self) -> Engine:
        """What trains them."""
        return self.trainer.choice.engine(self.trainer.choice.wanted)

    @property
    def side_by_side(self) -> int:
        """How many trials to train at a time."""
        left = self.budget.left(self.history).epochs_left + self.history.planned
        trainings = left / self.study.space.baseline.epochs
        most = min(trainings, self.budget.trials / PER_TRIAL)
        return int(min(self.engine.slots, max(FEWEST, most)))

    def _gather(self, me: str) -> None:
        """Claim steps for the slots that are free; plan some where none wait."""
        while len(self.seated) + len(self.aside) < self.side_by_side:
            claim = self.storage.claim(self.study.name, me, LEASE)
            if claim is None:
                self._read()
                if not self._decide():
                    return
                continue
            if not (claim := self._affordable(claim)):
                return
            try:
                self.aside.append(self.trainer.made(claim))
            except TrialError as error:
                self._failed(claim, str(error))

    def _seat(self) -> None:
        """Fill free slots with trials of the pack's structure, or of the next one."""
        if not self.seated:
            counts = Counter(made.signature for made in self.aside)
            self.structure = max(counts, key=counts.__getitem__) if counts else None
        alike = [made for made in self.aside if made.signature == self.structure]
        for made in alike:
            slot = next((n for n in range(self.engine.slots) if n not in self.seated), None)
            if slot is None or self.stop.asked:
                return
            self.aside.remove(made)
            try:
                # A structure's first trial may be probed: in a pack that is empty, and only then.
                engine = self.trainer.assigned(made)
                if engine is self.engine and not made.claim.trial.recipe.changes:
                    run = self.trainer.seat(made, engine, slot)
                    self.seated[slot] = (made.claim, run)
                elif not (engine is self.engine and self.seated):
                    self._train(made.claim)
                else:
                    self.aside.append(made)  # it would take a slot of the others
            except TrialError as error:
                self._failed(made.claim, str(error))

    def _round(self) -> None:
        """Train all until the first of them may end; store what ended."""
        runs = {slot: run for slot, (_, run) in self.seated.items()}
        epochs = max(1, min(min(run.ahead for run in runs.values()), self._epochs_of(STORE_EVERY)))
        begun = time.monotonic()
        try:
            with trial_errors():
                new = self.engine.run({n: len(run.curves) + epochs for n, run in runs.items()})
        except TrialError as error:
            for claim, _ in self.seated.values():  # of one structure: what ended one ends all
                self._failed(claim, str(error))
            self.seated.clear()
            return
        for slot, run in runs.items():
            run.grow(new[slot])
        self._pace = (time.monotonic() - begun) / epochs
        # All of them are stored as often as one trial would be, if that is cheap.
        waited = time.monotonic() - self.stored
        due = waited >= max(STORE_EVERY, 10 * self.storing)
        self._store([n for n, run in runs.items() if due or run.ended], everyone=due)
        for slot, run in runs.items():
            if run.ended and slot in self.seated:
                self._finish(slot)

    _pace: float = field(default=STORE_EVERY, init=False)

    def _epochs_of(self, seconds: float) -> int:
        return int(seconds / max(self._pace, 1e-6))

    def _store(self, slots: list[int], *, everyone: bool = False) -> None:
        """Store what is new of some trials; give those up that others have taken over."""
        begun = time.monotonic()
        for slot in slots:
            claim, run = self.seated[slot]
            curves, state = run.news()
            if not len(curves):
                continue
            if self._advance(claim, curves, state, run.engine.name):
                number = claim.trial.number
                self.trained[number] = self.trained.get(number, 0) + len(curves)
            else:
                del self.seated[slot]
        if everyone:
            self.stored = time.monotonic()
            self.storing = self.stored - begun

    def _finish(self, slot: int) -> None:
        claim, run = self.seated.pop(slot)
        outcome, cause = run.outcome()
        name = run.engine.name
        self.storage.finish(self.study.name, claim, outcome, cause, engine=name)
        self._hope(len(run.curves), cause)

    def _failed(self, claim: Claim, cause: str) -> None:
        self.storage.finish(self.study.name, claim, "failed", cause)
        self._hope(claim.trial.epochs, cause)

    def _end(self) -> None:
        """Hand in what the budget paid for."""
        self._store(list(self.seated))
        for slot in list(self.seated):
            self._finish(slot)
        for made in self.aside:
            self.storage.decline(self.study.name, made.claim)
        self.aside.clear()


def worker_for(packs: bool) -> Callable[..., Any]:
    """Return what works on a study: one trial at a time, or many."""
    return PackWorker if packs else Worker
