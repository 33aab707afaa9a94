"""SQLite: one file, or memory. All that is not the same in PostgreSQL stands here.

Many processes of one machine may use a file at once. Writers take turns (`BEGIN IMMEDIATE`),
readers see the last committed state and never wait (write-ahead log).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, final
from weakref import WeakSet

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool

from luthier.core import StorageError
from luthier.storage import schema
from luthier.storage.migrations import migrate
from luthier.storage.sqlite_file import APPLICATION_ID, check_file, check_version, explain

# Connections that a fork copied. Closing one in the child would release the parent's locks, so
# they are kept and never used.
_inherited: list[Pool] = []

# What is open here: see `check_file`.
_open: WeakSet[SqliteDatabase] = WeakSet()


@final
class SqliteDatabase:
    """An SQLite database: its transactions, and its errors in words.

    Args:
        path: The file, or None for a database in memory, which lives as long as this object.
        wait: Seconds to wait for other writers. Their transactions take milliseconds, but
            a laptop that wakes up or a slow disk may hold one up for longer.

    Raises:
        StorageError: for a file that is no luthier database, and for what can go wrong in one.
    """

    def __init__(self, path: Path | None, *, wait: float = 30.0) -> None:
        self.path = path
        self.wait = wait
        self._pid = os.getpid()
        if path is not None:
            check_file(path, known=any(other.is_at(path) for other in list(_open)))
        self._engine = create_engine(
            "sqlite://",
            # By name at each connection: a later change of the working folder changes nothing.
            creator=lambda: sqlite3.connect(
                ":memory:" if path is None else path, timeout=wait, check_same_thread=False
            ),
            # One connection, lent to one thread at a time: writers take turns anyway, and a
            # database in memory stays the same one.
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=wait,
        )
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        self._prepare()
        _open.add(self)

    def is_at(self, path: Path) -> bool:
        """Tell whether a path is this database's file."""
        try:
            return self.path is not None and self.path.samefile(path)
        except OSError:
            return False

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that gets a copy opens the file itself.
        if self.path is None:
            raise _memory_left()
        return partial(SqliteDatabase, wait=self.wait), (self.path,)

    def read(self) -> AbstractContextManager[Connection]:
        """Return a transaction that sees one moment and changes nothing."""
        return self._transaction("BEGIN")

    def write(self) -> AbstractContextManager[Connection]:
        """Return a transaction that is alone in writing: committed as a whole, or not at all."""
        return self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the connection; the next transaction opens it again."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        self._leave_parents_connection()
        try:
            with self._engine.connect() as connection:
                connection.execution_options(luthier_begin=begin)
                with connection.begin():
                    yield connection
        except SQLAlchemyError as error:
            raise explain(error, self.path, self.wait) from error

    def _leave_parents_connection(self) -> None:
        if self._pid == os.getpid():
            return
        if self.path is None:
            raise _memory_left()
        _inherited.append(self._engine.pool)
        self._engine.dispose(close=False)
        self._pid = os.getpid()

    def _prepare(self) -> None:
        """Create the tables, or bring them up to date, whoever else is doing so right now."""
        with self.read() as connection:
            version = self._version(connection)
        if version != schema.VERSION:
            with self.write() as connection:
                self._write_schema(connection)
        if self.path is not None:
            self._use_write_ahead_log()

    def _write_schema(self, connection: Connection) -> None:
        version = self._version(connection)  # again: another process may have been faster
        if version == schema.VERSION:
            return
        if version == 0:
            schema.metadata.create_all(connection)
        else:
            migrate(connection, version, str(self.path))
        schema.stamp(connection)
        # In the file's header, so that `check_file` can tell without SQLite. The log is not in
        # use yet when a file is new: it goes from empty to complete in one commit.
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {schema.VERSION}")

    def _version(self, connection: Connection) -> int:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        check_version(str(self.path), version)
        return version

    def _use_write_ahead_log(self) -> None:
        # SQLite does not wait here as it does elsewhere: while another process holds any lock,
        # the change of mode fails at once.
        deadline = time.monotonic() + self.wait
        while True:
            try:
                with self._engine.connect() as connection:
                    driver: Any = connection.connection.driver_connection
                    driver.execute("PRAGMA journal_mode = WAL")
                    _choose_durability(driver)
                return
            except sqlite3.OperationalError as error:
                # A file system without shared memory, or a file that may only be read, keeps the
                # rollback journal: slower, and as safe.
                if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                    return
                time.sleep(0.01)
            except SQLAlchemyError as error:
                raise explain(error, self.path, self.wait) from error


def _memory_left() -> StorageError:
    return StorageError(
        "a storage in memory was used in another process. It lives in the one that made it. "
        "Use a file for several: `--storage sqlite:///luthier.db`."
    )


def _configure(driver: Any, _record: object) -> None:
    driver.isolation_level = None  # we begin transactions ourselves
    driver.execute("PRAGMA foreign_keys = ON")
    _choose_durability(driver)


def _choose_durability(driver: Any) -> None:
    # With the log, NORMAL loses nothing when a process is killed; when the power fails, the last
    # commits may be missing, but never a part of one. Those epochs are then trained again. Syncing
    # each commit (FULL) would cost more than an epoch of a small network.
    (mode,) = driver.execute("PRAGMA journal_mode").fetchone()
    driver.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options()["luthier_begin"])
