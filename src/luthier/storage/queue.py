"""Steps as a queue: who may take which, and what happens to its trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, insert, or_, select, update

from luthier.core import LIVE_STATES, Claim, Step, StorageError
from luthier.storage import rows
from luthier.storage.schema import steps

# Built once, as in `luthier.storage.rows`.
_PLACE = and_(
    steps.c.study == bindparam("of_study"),
    steps.c.decision == bindparam("of_decision"),
    steps.c.position == bindparam("of_position"),
)
_CHANGE = update(steps).where(_PLACE)
_CLAIMED = select(steps).where(
    _PLACE, steps.c.state == "running", steps.c.worker == bindparam("of_worker")
)
_EXPIRED = and_(steps.c.state == "running", steps.c.lease_until <= bindparam("now"))
_FIRST_OPEN = (
    select(steps)
    .where(steps.c.study == bindparam("of_study"), or_(steps.c.state == "waiting", _EXPIRED))
    .order_by(steps.c.decision, steps.c.position)
    .limit(1)
)


def put(
    connection: Connection,
    study: int,
    decision: int,
    planned: Sequence[Step],
    *,
    resumable: bool,
    changed: int,
) -> None:
    """Store a decision's steps in their order, each with its new or waking trial."""
    values = []
    for position, step in enumerate(planned):
        if step.trial is None:
            number, waits = rows.add_trial(connection, study, step, resumable, changed), True
        else:
            number, waits = step.trial, rows.wake_trial(connection, study, step.trial, changed)
        one = {
            "study": study,
            "decision": decision,
            "position": position,
            "trial": number,
            "until": step.until,
            # A trial that was evicted since the strategy looked has nothing to do.
            "state": "waiting" if waits else "done",
            "attempts": 0,
        }
        values.append(one)
    if values:
        connection.execute(insert(steps), values)


def first_open(connection: Connection, study: int, now: float) -> Row[Any] | None:
    """Return the first step that waits, or whose lease has run out."""
    return connection.execute(_FIRST_OPEN, {"of_study": study, "now": now}).one_or_none()


def claimed(connection: Connection, study: int, claim: Claim) -> Row[Any] | None:
    """Return a claim's step; None where its worker does not hold it any more."""
    mine = {
        "of_study": study,
        "of_decision": claim.decision,
        "of_position": claim.index,
        "of_worker": claim.worker,
    }
    return connection.execute(_CLAIMED, mine).one_or_none()


def held(study: int, worker: str) -> ColumnElement[bool]:
    """Return the condition for steps that a worker holds."""
    return and_(steps.c.study == study, steps.c.state == "running", steps.c.worker == worker)


def change(connection: Connection, step: Row[Any], **values: Any) -> None:
    """Set some columns of a step."""
    place = {
        "of_study": step.study,
        "of_decision": step.decision,
        "of_position": step.position,
    }
    connection.execute(_CHANGE, {**place, **values})


def give_back(connection: Connection, study: int, worker: str, changed: int) -> None:
    """Let a worker's steps wait for another one."""
    mine = held(study, worker)
    numbers = connection.execute(select(steps.c.trial).where(mine)).scalars().all()
    connection.execute(
        update(steps).where(mine).values(state="waiting", worker=None, lease_until=None)
    )
    for number in numbers:
        rows.change_trial(connection, study, number, state="waiting", changed=changed)


def wait(connection: Connection, step: Row[Any], changed: int) -> None:
    """Let a step wait as it did before it was taken."""
    before = step.attempts - 1
    change(connection, step, state="waiting", worker=None, lease_until=None, attempts=before)
    rows.change_trial(connection, step.study, step.trial, state="waiting", changed=changed)


def cut(connection: Connection, study: int, trial: int, cause: str, changed: int) -> bool:
    """End a trial that is not over, wherever its step is; False where it is.

    Raises:
        StorageError: for a trial that does not exist.
    """
    state = rows.state_of(connection, study, trial)
    if state is None:
        raise StorageError(f"there is no trial {trial} to end. `luthier show` lists the trials.")
    if state not in LIVE_STATES:
        return False
    mine = and_(steps.c.study == study, steps.c.trial == trial, steps.c.state != "done")
    connection.execute(update(steps).where(mine).values(state="done", worker=None))
    rows.change_trial(connection, study, trial, state="pruned", cause=cause, changed=changed)
    return True


def end(
    connection: Connection,
    step: Row[Any],
    state: str,
    cause: str | None,
    changed: int,
    **values: Any,
) -> None:
    """End a step, leaving its trial in a state, with further columns of it set."""
    if state not in ("paused", "finished", "failed", "pruned"):
        raise StorageError(
            f"a step cannot leave its trial '{state}'. It ends as paused, finished, failed or "
            "pruned. This is a mistake in the caller: pass one of them to `finish`."
        )
    change(connection, step, state="done", worker=None, lease_until=None)
    values |= {"state": state, "cause": cause, "changed": changed}
    rows.change_trial(connection, step.study, step.trial, **values)
