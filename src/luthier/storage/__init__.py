"""Where studies live: one schema, in SQLite now and in PostgreSQL later."""

from luthier.storage.sql import SqlStorage
from luthier.storage.url import connect

__all__ = ["SqlStorage", "connect"]
