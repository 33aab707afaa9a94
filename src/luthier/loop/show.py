"""Look into a storage without changing it."""

from __future__ import annotations

import json
from pathlib import Path

from luthier.core import History, LuthierError, Proof, Storage, StudyRecord
from luthier.loop.study import Study
from luthier.storage import connect


def all_studies(url: str) -> list[tuple[StudyRecord, History]]:
    """Return every study of a storage with its trials.

    Raises:
        StorageError: when there is no such storage.
    """
    storage = connect(url, create=False)
    return [(record, storage.history(record.name)) for record in storage.studies()]


def one_study(url: str, name: str) -> tuple[StudyRecord, History]:
    """Return one study with its trials.

    Raises:
        StudyNotFoundError: when the storage does not hold it.
    """
    storage = connect(url, create=False)
    return storage.record(name), storage.history(name)


def open_study(url: str, name: str) -> Study:
    """Return the handle of a stored study, its data not read: the test part stays closed.

    Args:
        url: The storage; a folder names its own.
        name: Of the study, or the folder that `luthier tune --out` wrote.

    Raises:
        LuthierError: where the folder's ``study.json`` cannot be read.
        StudyNotFoundError: when the storage does not hold it.
    """
    written = Path(name) / "study.json"
    if written.is_file():
        try:
            told = json.loads(written.read_text(encoding="utf-8"))
            url, name = told["storage"], told["study"]
        except (ValueError, KeyError, TypeError) as error:
            raise LuthierError(
                f"{written} does not say which study it is of: {error!r}. Give the study's name; "
                "`luthier show` lists them."
            ) from None
    return stored_study(connect(url, create=False), name)


def stored_study(storage: Storage, name: str) -> Study:
    """Return the handle of a study in a storage that is open.

    Raises:
        StudyNotFoundError: when the storage does not hold it.
    """
    record = storage.record(name)
    known = record.about.get("proof")
    proof = Proof.from_json(known) if isinstance(known, dict) else None
    return Study(record, storage, proof=proof)
