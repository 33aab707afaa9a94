"""Trials as rows: what `SqlStorage` reads and writes inside its transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from luthier.core import Curves, Recipe, Step, StorageError, Trial
from luthier.storage.schema import checkpoints, epochs, steps, trials
from luthier.storage.text import from_text, to_text

# Statements are built once: building one takes several times as long as SQLite takes to run it,
# and a short trial needs fifty.


def _of(table: Table, trial: str = "trial") -> ColumnElement[bool]:
    return (table.c.study == bindparam("of_study")) & (table.c[trial] == bindparam("of_trial"))


_TRIAL = _of(trials, "number")
_NEWER = (trials.c.study == bindparam("of_study")) & (trials.c.changed > bindparam("since"))
_NUMBERS = select(trials.c.number).where(_NEWER)
_STORED = exists().where(
    checkpoints.c.study == trials.c.study, checkpoints.c.trial == trials.c.number
)
_READ_NEWER = select(trials, _STORED.label("stored")).where(_NEWER).order_by(trials.c.number)
_READ_TRIAL = select(trials).where(_TRIAL)
_READ_STATE = select(trials.c.state).where(_TRIAL)
_CHANGE_TRIAL = update(trials).where(_TRIAL)
_NEXT_NUMBER = select(func.coalesce(func.max(trials.c.number), -1) + 1).where(
    trials.c.study == bindparam("of_study")
)
_ALL_EPOCHS = (
    select(epochs.c.trial, epochs.c.data)
    .where(epochs.c.study == bindparam("of_study"))
    .order_by(epochs.c.trial, epochs.c.epoch)
)
_NEWER_EPOCHS = _ALL_EPOCHS.where(epochs.c.trial.in_(_NUMBERS))
_EPOCHS = select(epochs.c.data).where(_of(epochs)).order_by(epochs.c.epoch)
_LAST_EPOCH = select(func.max(epochs.c.epoch)).where(_of(epochs))
_DROP_EPOCHS = delete(epochs).where(_of(epochs), epochs.c.epoch > bindparam("after"))
_READ_CHECKPOINT = select(checkpoints.c.epoch, checkpoints.c.blob).where(_of(checkpoints))
_REPLACE_CHECKPOINT = update(checkpoints).where(_of(checkpoints))
_DROP_CHECKPOINT = delete(checkpoints).where(_of(checkpoints))
_OPEN_STEPS = select(steps.c.trial, steps.c.until).where(
    steps.c.study == bindparam("of_study"), steps.c.state.in_(("waiting", "running"))
)


def read_trials(connection: Connection, study: int, since: int) -> tuple[Trial, ...]:
    """Return the trials that changed after a count of changes, with all their epochs."""
    newer = {"of_study": study, "since": since}
    rows = connection.execute(_READ_NEWER, newer).all()
    if not rows:
        return ()
    # One query for all epochs: a query a trial would take ten times as long.
    query = _NEWER_EPOCHS if since > 0 else _ALL_EPOCHS
    texts: dict[int, list[str]] = {}
    for number, data in connection.execute(query, newer).all():
        texts.setdefault(number, []).append(data)
    until = {row.trial: row.until for row in connection.execute(_OPEN_STEPS, newer)}
    return tuple(
        _trial(row, texts.get(row.number, ()), bool(row.stored), until.get(row.number, 0))
        for row in rows
    )


def read_trial(connection: Connection, study: int, number: int, until: int, stored: bool) -> Trial:
    """Return one trial that was just taken on, with all its epochs.

    Args:
        connection: To the database.
        study: Its study.
        number: Its own.
        until: The epoch that its step takes it to.
        stored: Whether it has a checkpoint.
    """
    mine = {"of_study": study, "of_trial": number}
    row = connection.execute(_READ_TRIAL, mine).one()
    # Without a state to go on from there are none.
    texts = connection.execute(_EPOCHS, mine).scalars().all() if stored else ()
    return _trial(row, texts, stored, until)


def _trial(row: Row[Any], texts: Sequence[str], stored: bool, until: int) -> Trial:
    # One text of all epochs is read three times as fast as a text an epoch.
    curves = Curves.from_epochs(from_text(f"[{','.join(texts)}]"))
    return Trial(
        number=row.number,
        recipe=_recipe(row.recipe),
        seed=row.seed,
        state=row.state,
        engine=row.engine,
        curves=curves,
        cause=row.cause,
        parent=None if row.parent_trial is None else (row.parent_trial, row.parent_epoch),
        resumable=row.resumable,
        until=until,
        stored=stored,
        changed=row.changed,
        purpose=row.purpose,
    )


@lru_cache(maxsize=512)
def _recipe(text: str) -> Recipe:
    """Read a recipe, once while its trial is read again and again."""
    return Recipe.from_json(from_text(text))


def add_trial(connection: Connection, study: int, step: Step, resumable: bool, changed: int) -> int:
    """Store a step's new trial, with its parent's epochs and state; return its number.

    Where the parent's state of that epoch is gone, it starts from nothing: its recipe holds all
    that it takes to come to the same.

    Raises:
        StorageError: for a step that names neither a trial nor a recipe.
    """
    if step.recipe is None:
        raise StorageError(
            f"a step to epoch {step.until} was planned that names neither a trial nor a recipe. "
            "A new trial needs a recipe. This is a mistake of the search strategy: report it, or "
            "name another strategy."
        )
    number = connection.execute(_NEXT_NUMBER, {"of_study": study}).scalar_one()
    parent_trial: int | None = None
    parent_epoch: int | None = None
    if step.parent is not None and (
        get_checkpoint(connection, study, step.parent[0])[0] == step.parent[1]
    ):
        parent_trial, parent_epoch = step.parent
    values = {
        "study": study,
        "number": number,
        "recipe": to_text(step.recipe.to_json()),
        "seed": step.seed,
        "engine": "",
        "state": "waiting",
        "parent_trial": parent_trial,
        "parent_epoch": parent_epoch,
        "resumable": resumable,
        "changed": changed,
        "purpose": step.purpose,
    }
    connection.execute(insert(trials), values)
    if parent_trial is not None:
        _copy(connection, study, parent_trial, int(number), parent_epoch or 0)
    return int(number)


def _copy(connection: Connection, study: int, parent: int, child: int, until: int) -> None:
    """Give a trial its parent's engine, first epochs and state."""
    theirs = {"of_study": study, "of_trial": parent}
    engine = connection.execute(_READ_TRIAL, theirs).one().engine
    connection.execute(_CHANGE_TRIAL, {"of_study": study, "of_trial": child, "engine": engine})
    texts = connection.execute(_EPOCHS, theirs).scalars().all()[:until]
    connection.execute(
        insert(epochs),
        [
            {"study": study, "trial": child, "epoch": 1 + index, "data": text}
            for index, text in enumerate(texts)
        ],
    )
    epoch, blob = get_checkpoint(connection, study, parent)
    if blob is not None:
        put_checkpoint(connection, study, child, epoch, blob)


def wake_trial(connection: Connection, study: int, number: int, changed: int) -> bool:
    """Let a paused trial wait for a worker; False where it has ended meanwhile.

    Raises:
        StorageError: for a trial that does not exist, or already has a step.
    """
    state = state_of(connection, study, number)
    if state in (None, "waiting", "running"):
        what = "does not exist" if state is None else f"is {state} already"
        raise StorageError(
            f"a step was planned for trial {number}, which {what}. Only a paused trial can go on. "
            "This is a mistake of the search strategy: report it, or name another strategy."
        )
    if state == "paused":
        change_trial(connection, study, number, state="waiting", changed=changed)
    return state == "paused"


def state_of(connection: Connection, study: int, number: int) -> str | None:
    """Return a trial's state; None where there is no such trial."""
    mine = {"of_study": study, "of_trial": number}
    state: str | None = connection.execute(_READ_STATE, mine).scalar_one_or_none()
    return state


def change_trial(connection: Connection, study: int, number: int, **values: Any) -> None:
    """Set some columns of a trial."""
    connection.execute(_CHANGE_TRIAL, {"of_study": study, "of_trial": number, **values})


def count_epochs(connection: Connection, study: int, trial: int) -> int:
    """Return how many epochs of a trial are stored."""
    mine = {"of_study": study, "of_trial": trial}
    last = connection.execute(_LAST_EPOCH, mine).scalar_one()
    return last or 0


def add_epochs(connection: Connection, study: int, trial: int, curves: Curves) -> int:
    """Store epochs after those that are stored; return how many there are then."""
    before = count_epochs(connection, study, trial)
    new: list[Mapping[str, Any]] = [
        {"study": study, "trial": trial, "epoch": before + 1 + i, "data": to_text(curves.epoch(i))}
        for i in range(len(curves))
    ]
    if new:
        connection.execute(insert(epochs), new)
    return before + len(new)


def drop_epochs(connection: Connection, study: int, trial: int, after: int) -> None:
    """Delete a trial's epochs after one that it goes back to."""
    connection.execute(_DROP_EPOCHS, {"of_study": study, "of_trial": trial, "after": after})


def put_checkpoint(connection: Connection, study: int, trial: int, epoch: int, blob: bytes) -> None:
    """Store a trial's state in place of its older one."""
    values = {"epoch": epoch, "size": len(blob), "blob": blob}
    mine = {"of_study": study, "of_trial": trial}
    if not connection.execute(_REPLACE_CHECKPOINT, {**mine, **values}).rowcount:
        connection.execute(insert(checkpoints), {"study": study, "trial": trial, **values})


def get_checkpoint(connection: Connection, study: int, trial: int) -> tuple[int, bytes | None]:
    """Return a trial's stored state and its epoch; (0, None) where it has none."""
    mine = {"of_study": study, "of_trial": trial}
    row = connection.execute(_READ_CHECKPOINT, mine).one_or_none()
    return (0, None) if row is None else (row.epoch, row.blob)


def evict(connection: Connection, study: int, number: int, changed: int) -> None:
    """Delete a trial's state, unless a step needs it; a paused trial becomes pruned."""
    state = state_of(connection, study, number)
    if state in (None, "waiting", "running"):
        return
    connection.execute(_DROP_CHECKPOINT, {"of_study": study, "of_trial": number})
    change_trial(connection, study, number, changed=changed)
    if state == "paused":
        change_trial(connection, study, number, state="pruned", cause="checkpoint evicted")
