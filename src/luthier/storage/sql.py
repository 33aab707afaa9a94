"""SqlStorage: studies in a database, through one schema."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, final

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from luthier.core import (
    Claim,
    Curves,
    History,
    Recipe,
    State,
    Step,
    StudyMismatchError,
    StudyNotFoundError,
    StudyRecord,
    bounds_of,
)
from luthier.storage import queue, rows
from luthier.storage.blob import from_blob, to_blob
from luthier.storage.schema import decisions, openings, steps, studies, trials
from luthier.storage.sqlite import SqliteDatabase
from luthier.storage.text import from_text, to_text

# Built once, as in `luthier.storage.rows`.
_READ_STUDY = select(studies).where(studies.c.name == bindparam("of_name"))
_LOCK_STUDY = _READ_STUDY.with_for_update()
_CHANGE_STUDY = update(studies).where(studies.c.id == bindparam("of_study"))
_ASK_TO_STOP = _CHANGE_STUDY.values(stops=studies.c.stops + 1)
_DECISIONS = (
    select(func.count())
    .select_from(decisions)
    .where(decisions.c.study == studies.c.id)
    .scalar_subquery()
)
_READ_COUNTED = _READ_STUDY.add_columns(_DECISIONS.label("decisions"))
_ENGINE = select(trials.c.engine).where(
    trials.c.study == bindparam("of_study"), trials.c.number == bindparam("of_trial")
)


@final
class SqlStorage:
    """Studies in a database; `luthier.core.Storage` says what each method promises.

    Each method is one transaction. Writers of one study take turns, so what a method reads holds
    until it has written.

    Args:
        database: Where the tables are.
        url: What a person typed to name it.
        clock: Tells the time in seconds, for leases and the ledger.
        attempts: How often a step may be taken on without getting anywhere before its trial is
            failed. Deaths are bad luck, or a person's doing; twenty at the same epoch are the
            trial's own, such as running out of memory.
    """

    def __init__(
        self,
        database: SqliteDatabase,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        attempts: int = 20,
    ) -> None:
        self.url = url
        self._database = database
        self._clock = clock
        self._attempts = attempts

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        self._database.close()

    def open(self, study: StudyRecord) -> StudyRecord:
        """Create the study or open it; refuse one that is about something else.

        What it has to say `about` itself is replaced by what the newest command says: data may
        have moved, and a budget grown.
        """
        with self._database.write() as connection:
            found = connection.execute(
                select(studies.c.record).where(studies.c.name == study.name)
            ).scalar_one_or_none()
            if found is None:
                record = to_text(study.to_json())
                connection.execute(
                    insert(studies).values(
                        name=study.name, record=record, changed=0, created=self._clock()
                    )
                )
                return StudyRecord.from_json(from_text(record))
        stored = StudyRecord.from_json(from_text(found))
        differences = stored.differences(study)
        if differences:
            raise StudyMismatchError(study.name, differences)
        if stored.about != study.about:
            stored = replace(stored, about=study.about)
            with self._database.write() as connection:
                connection.execute(
                    update(studies)
                    .where(studies.c.name == study.name)
                    .values(record=to_text(stored.to_json()))
                )
        return stored

    def studies(self) -> Sequence[StudyRecord]:
        """Return every study's record, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(select(studies.c.record).order_by(studies.c.id)).scalars()
            return [StudyRecord.from_json(from_text(record)) for record in found]

    def find(self, study: str) -> StudyRecord | None:
        """Return a study's record; None where there is none of that name."""
        with self._database.read() as connection:
            text = connection.execute(
                select(studies.c.record).where(studies.c.name == study)
            ).scalar_one_or_none()
        return None if text is None else StudyRecord.from_json(from_text(text))

    def record(self, study: str) -> StudyRecord:
        """Return a study's record."""
        with self._database.read() as connection:
            return StudyRecord.from_json(from_text(self._study(connection, study).record))

    def history(self, study: str, since: int = 0) -> History:
        """Return the trials that changed after a count of changes, with all their epochs."""
        with self._database.read() as connection:
            row = self._study(connection, study, _READ_COUNTED)
            record = _record(row.record)
            newer = since < row.changed  # else a worker looks again before anything has happened
            return History(
                trials=rows.read_trials(connection, row.id, since) if newer else (),
                metric=record.metric,
                direction=record.direction,
                decisions=row.decisions,
                seed=record.seed,
                changed=row.changed,
                seconds=row.seconds,
                stops=row.stops,
                bounds=bounds_of(record.about),
            )

    def plan(
        self, study: str, decision: int, steps: Sequence[Step], *, resumable: bool = True
    ) -> bool:
        """Store a decision's steps; False where another worker decided first."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            try:
                connection.execute(insert(decisions).values(study=row.id, decision=decision))
            except IntegrityError:
                return False
            changed = _count_change(connection, row)
            queue.put(connection, row.id, decision, steps, resumable=resumable, changed=changed)
            return True

    def claim(self, study: str, worker: str, lease: float) -> Claim | None:
        """Take the first step that waits, or whose worker let its lease run out."""
        with self._database.write() as connection:
            row, now = self._study(connection, study, lock=True), self._clock()
            while (step := queue.first_open(connection, row.id, now)) is not None:
                if step.attempts < self._attempts:
                    return _take(connection, row, step, worker, now + lease)
                _give_up(connection, row, step)
            return None

    def renew(self, study: str, worker: str, lease: float) -> None:
        """Extend the leases of a worker's steps."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            until = self._clock() + lease
            connection.execute(
                update(steps).where(queue.held(row.id, worker)).values(lease_until=until)
            )

    def release(self, study: str, worker: str, cause: str | None = None) -> None:
        """Give back the steps of a worker that is known to be dead, or fail their trials."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            changed = _count_change(connection, row)
            if cause is None:
                queue.give_back(connection, row.id, worker, changed)
            else:
                mine = select(steps).where(queue.held(row.id, worker))
                for step in connection.execute(mine).all():
                    queue.end(connection, step, "failed", cause, changed)

    def decline(self, study: str, claim: Claim) -> None:
        """Give a claimed step back as if it had never been taken."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            step = queue.claimed(connection, row.id, claim)
            if step is not None:
                queue.wait(connection, step, _count_change(connection, row))

    def held(self, study: str, worker: str) -> Sequence[int]:
        """Return the trials whose steps a worker holds."""
        with self._database.read() as connection:
            row = self._study(connection, study)
            mine = select(steps.c.trial).where(queue.held(row.id, worker))
            return [int(number) for number in connection.execute(mine).scalars()]

    def workers(self, study: str) -> Sequence[str]:
        """Return the workers that hold steps, in the order of their names."""
        with self._database.read() as connection:
            row = self._study(connection, study)
            running = (steps.c.study == row.id) & (steps.c.state == "running")
            query = select(steps.c.worker).where(running).distinct().order_by(steps.c.worker)
            return [str(worker) for worker in connection.execute(query).scalars()]

    def advance(
        self,
        study: str,
        claim: Claim,
        curves: Curves,
        state: State | None,
        *,
        seconds: float,
        outcome: tuple[str, str | None] | None = None,
        engine: str = "",
    ) -> bool:
        """Store new epochs and the state after them; False where the step was lost."""
        blob = None if state is None else to_blob(state)  # before anyone has to wait for us
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            step = queue.claimed(connection, row.id, claim)
            if step is None:
                return False
            epoch = rows.add_epochs(connection, row.id, step.trial, curves)
            if blob is not None:
                rows.put_checkpoint(connection, row.id, step.trial, epoch, blob)
            changed = _count_change(connection, row, seconds, self._clock())
            fixed = _fixed(claim, engine)
            if outcome is not None:
                queue.end(connection, step, *outcome, changed, **fixed)
                return True
            if blob is not None:
                queue.change(connection, step, attempts=0)
            rows.change_trial(connection, row.id, step.trial, changed=changed, **fixed)
            return True

    def finish(
        self, study: str, claim: Claim, state: str, cause: str | None = None, *, engine: str = ""
    ) -> bool:
        """End a step, leaving its trial in a state; False where the step was lost."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            step = queue.claimed(connection, row.id, claim)
            if step is None:
                return False
            changed = _count_change(connection, row)
            queue.end(connection, step, state, cause, changed, **_fixed(claim, engine))
            return True

    def assign(self, study: str, trial: int, engine: str) -> str:
        """Fix a trial's engine; return the one that was fixed first."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            fixed: str = connection.execute(
                _ENGINE, {"of_study": row.id, "of_trial": trial}
            ).scalar_one()
            if fixed:
                return fixed
            changed = _count_change(connection, row)
            rows.change_trial(connection, row.id, trial, engine=engine, changed=changed)
            return engine

    def revise(self, study: str, trial: int, recipe: Recipe) -> None:
        """Store what an objective asked for: its recipe is known only as it runs."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            changed = _count_change(connection, row)
            text = to_text(recipe.to_json())
            rows.change_trial(connection, row.id, trial, recipe=text, changed=changed)

    def state(self, study: str, trial: int) -> State | None:
        """Return a trial's stored state; None where it has none or it was evicted."""
        with self._database.read() as connection:
            row = self._study(connection, study)
            _, blob = rows.get_checkpoint(connection, row.id, trial)
        return None if blob is None else from_blob(blob)

    def evict(self, study: str, trials: Sequence[int]) -> None:
        """Delete states of trials that no step needs; paused ones become pruned."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            changed = _count_change(connection, row)
            for number in trials:
                rows.evict(connection, row.id, number, changed)

    def prune(self, study: str, trial: int, cause: str) -> bool:
        """End a trial because a person says so; False where it has ended already."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            return queue.cut(connection, row.id, trial, cause, _count_change(connection, row))

    def ask_to_stop(self, study: str) -> None:
        """Ask every worker that is at it now to end after its epoch."""
        with self._database.write() as connection:
            row = self._study(connection, study, lock=True)
            _count_change(connection, row)
            connection.execute(_ASK_TO_STOP, {"of_study": row.id})

    def opened(self, test: str, study: str) -> int:
        """Note that a test part is opened; return how often it was before."""
        with self._database.write() as connection:
            before = connection.execute(
                select(func.count()).select_from(openings).where(openings.c.test == test)
            ).scalar_one()
            now = self._clock()
            connection.execute(insert(openings).values(test=test, study=study, opened=now))
            return before

    def _study(
        self,
        connection: Connection,
        name: str,
        query: Select[Any] = _READ_STUDY,
        *,
        lock: bool = False,
    ) -> Row[Any]:
        # PostgreSQL: one writer a study at a time. SQLite has one writer anyway, and ignores it.
        query = _LOCK_STUDY if lock else query
        row = connection.execute(query, {"of_name": name}).one_or_none()
        if row is None:
            others = connection.execute(select(studies.c.name).order_by(studies.c.id)).scalars()
            raise StudyNotFoundError(name, self.url, others.all())
        return row


@lru_cache(maxsize=8)
def _record(text: str) -> StudyRecord:
    """Read a record, once while it stays the same: a worker reads its study's all the time."""
    return StudyRecord.from_json(from_text(text))


def _count_change(
    connection: Connection, study: Row[Any], seconds: float = 0.0, now: float | None = None
) -> int:
    """Count a change; add to a study's time the part of some seconds that nobody has counted."""
    values: dict[str, Any] = {"of_study": study.id, "changed": int(study.changed) + 1}
    if now is not None:
        if now >= study.counted:  # else the machine's clock was set back
            seconds = min(seconds, now - study.counted)
        values |= {"seconds": study.seconds + seconds, "counted": now}
    connection.execute(_CHANGE_STUDY, values)
    return int(values["changed"])


def _take(
    connection: Connection, study: Row[Any], step: Row[Any], worker: str, lease_until: float
) -> Claim:
    attempts = step.attempts + 1
    queue.change(
        connection,
        step,
        state="running",
        worker=worker,
        lease_until=lease_until,
        attempts=attempts,
    )
    epoch, blob = rows.get_checkpoint(connection, study.id, step.trial)
    # Epochs without a state after them cannot be gone on from: they are trained again.
    rows.drop_epochs(connection, study.id, step.trial, after=epoch)
    changed = _count_change(connection, study)
    rows.change_trial(connection, study.id, step.trial, state="running", changed=changed)
    return Claim(
        decision=step.decision,
        index=step.position,
        trial=rows.read_trial(connection, study.id, step.trial, step.until, blob is not None),
        until=step.until,
        state=None if blob is None else from_blob(blob),
        worker=worker,
    )


def _fixed(claim: Claim, engine: str) -> dict[str, str]:
    """Return the column of a trial that gets its engine now: nobody else can have claimed it."""
    return {"engine": engine} if engine and not claim.trial.engine else {}


def _give_up(connection: Connection, study: Row[Any], step: Row[Any]) -> None:
    epoch = rows.count_epochs(connection, study.id, step.trial) + 1
    cause = f"worker died {step.attempts} times at epoch {epoch}"
    queue.end(connection, step, "failed", cause, _count_change(connection, study))
