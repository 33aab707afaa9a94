"""Older databases brought up to date: one function a version, run in order in one transaction.

A function never changes once it was released, and names tables and columns itself: `schema`
describes the newest version only. To add one: write it, append it, raise `schema.VERSION`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import Connection, text

from luthier.storage.schema import VERSION

_log = logging.getLogger("luthier.storage")


def time_and_ledger(connection: Connection) -> None:
    """Version 2: studies know the time spent on them, and openings of test sets are counted."""
    connection.execute(text("ALTER TABLE studies ADD COLUMN seconds FLOAT NOT NULL DEFAULT 0"))
    connection.execute(
        text(
            "CREATE TABLE openings (id INTEGER NOT NULL PRIMARY KEY, test VARCHAR(255) NOT NULL, "
            "study VARCHAR(255) NOT NULL, opened FLOAT NOT NULL)"
        )
    )
    connection.execute(text("CREATE INDEX ix_openings_test ON openings (test)"))


def time_counted_once(connection: Connection) -> None:
    """Version 3: studies know until when their time was counted, so that none counts twice."""
    connection.execute(text("ALTER TABLE studies ADD COLUMN counted FLOAT NOT NULL DEFAULT 0"))


def purposes(connection: Connection) -> None:
    """Version 4: trials know what they are for: the search, or confirming its winner."""
    connection.execute(
        text("ALTER TABLE trials ADD COLUMN purpose VARCHAR(16) NOT NULL DEFAULT 'search'")
    )


def stops(connection: Connection) -> None:
    """Version 5: studies count how often someone asked their workers to stop."""
    connection.execute(text("ALTER TABLE studies ADD COLUMN stops INTEGER NOT NULL DEFAULT 0"))


# The first brings version 1 to version 2, the next version 2 to version 3, and so on.
MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    time_and_ledger,
    time_counted_once,
    purposes,
    stops,
)


def migrate(connection: Connection, version: int, where: str) -> None:
    """Bring tables of an older version up to date; the caller's transaction holds it all."""
    for migration in MIGRATIONS[version - 1 :]:
        migration(connection)
    _log.info("%s: brought from storage version %d to %d.", where, version, VERSION)
