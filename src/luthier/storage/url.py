"""From a storage's URL to the storage."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from luthier.core import MissingExtraError, StorageError
from luthier.storage.sql import SqlStorage
from luthier.storage.sqlite import SqliteDatabase

_POSSIBLE = (
    "Possible are sqlite:///runs.db for a file here, sqlite:////home/me/runs.db for one anywhere, "
    "and sqlite:// for memory"
)


def connect(
    url: str = "sqlite:///luthier.db",
    *,
    clock: Callable[[], float] = time.time,
    attempts: int = 20,
    wait: float = 30.0,
    create: bool = True,
) -> SqlStorage:
    """Open a storage, creating it where there is none.

    Args:
        url: ``sqlite:///`` and a path, or ``sqlite://`` for one that lives in memory.
        clock: Tells the time in seconds, for leases and the ledger of test sets.
        attempts: How many workers may die at one epoch before its trial counts as failed: a few
            deaths are bad luck, twenty are the trial's doing.
        wait: Seconds to wait for other writers; they need milliseconds.
        create: Make a storage that is missing; without it, one must be there.

    Raises:
        StorageError: for what is no storage, or cannot become one.
        MissingExtraError: for PostgreSQL without its driver.

    >>> connect("sqlite://").studies()
    []
    """
    parsed = _parse(url)
    database = parsed.database or ":memory:"
    path = None if database == ":memory:" else Path(database).expanduser().absolute()
    if not create and path is not None and not path.exists():
        raise StorageError(
            f"no file '{database}'. A storage appears there with the first study: "
            "`luthier tune digits`. For one elsewhere: `--storage sqlite:///PATH`."
        )
    sqlite = SqliteDatabase(path, wait=wait)
    return SqlStorage(sqlite, url, clock=clock, attempts=attempts)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StorageError(
            f"'{url}' is no address of a storage. {_POSSIBLE}. "
            f"For a file of that name: `--storage sqlite:///{url}`."
        ) from None
    scheme = parsed.get_backend_name()
    if scheme in ("postgresql", "postgres"):
        if importlib.util.find_spec("psycopg") is None:
            raise MissingExtraError("psycopg", "postgres", "a storage in PostgreSQL")
        raise StorageError(
            f"{parsed.render_as_string()} is a PostgreSQL database, which this version cannot "
            f"use yet. {_POSSIBLE}. Type `--storage sqlite:///luthier.db`."
        )
    if scheme != "sqlite":
        raise StorageError(
            f"{parsed.render_as_string()} is a kind of database that luthier does not use "
            f"('{scheme}'). {_POSSIBLE}. Type `--storage sqlite:///luthier.db`."
        )
    if parsed.host or parsed.query:
        raise StorageError(
            f"{parsed.render_as_string()} has more in it than a file's name. {_POSSIBLE}: mind "
            "the number of slashes. Type `--storage sqlite:///luthier.db`."
        )
    return parsed
