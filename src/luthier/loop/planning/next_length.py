"""Trainings of another length: another study, which goes on with what the ones before it found."""

from __future__ import annotations

from dataclasses import replace

from luthier.core import Storage, StudyRecord, Trial

EARLIER = "earlier"  # in a study's record: names of those of other lengths that it learns from


def of_other_length(record: StudyRecord, length: int | str | None, storage: Storage) -> StudyRecord:
    """Return the record under the name that trainings of its length have.

    Results of different lengths do not compare, so that each length is a study: the first one has
    the plain name, the others have their length behind it, and what was found before is their
    strategy's to learn from.

    Args:
        record: Of the study that is asked for, by its plain name.
        length: What the user asked for; only a number asks for another one.
        storage: Where studies are kept.
    """
    first = storage.find(record.name)
    if first is None or not isinstance(length, int) or first.space.baseline.epochs == length:
        return record
    name = f"{record.name}-{length}"
    before = [
        one.name
        for one in storage.studies()
        if one.name in (record.name, f"{record.name}-{_epochs(one)}")
        and one.name != name
        and (one.data, one.builder) == (record.data, record.builder)
        and (one.metric, one.direction) == (record.metric, record.direction)
    ]
    return replace(record, name=name, about={**record.about, EARLIER: before})


def earlier_trials(record: StudyRecord, storage: Storage) -> tuple[Trial, ...]:
    """Return the trials of the studies that a study learns from; one that is gone has none."""
    return tuple(
        trial
        for name in record.about.get(EARLIER, ())
        if storage.find(name) is not None
        for trial in storage.history(name).searched.trials
    )


def earlier_note(record: StudyRecord, storage: Storage) -> tuple[str, ...]:
    """Return what is told of the studies that a study learns from."""
    found = []
    for name in record.about.get(EARLIER, ()):
        known = storage.find(name)
        if known is not None:
            trials = len(storage.history(name).searched.trials)
            found.append(f"{trials} trials of '{name}' with {_epochs(known)} epochs")
    if not found:
        return ()
    return (
        f"study '{record.name}' has trainings of {_epochs(record)} epochs, and learns from "
        f"{' and '.join(found)}",
    )


def _epochs(record: StudyRecord) -> int:
    return record.space.baseline.epochs
