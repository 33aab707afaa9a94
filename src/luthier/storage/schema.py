"""The tables of a storage, the same in SQLite and PostgreSQL.

A change here takes a new `VERSION` and a function in `luthier.storage.migrations`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    delete,
    insert,
)

VERSION = 5
APPLICATION = "luthier"

metadata = MetaData()

meta = Table(
    "luthier_meta",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

studies = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("record", Text, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("seconds", Float(53), nullable=False, server_default="0"),
    Column("counted", Float(53), nullable=False, server_default="0"),
    Column("created", Float(53), nullable=False),
    Column("stops", Integer, nullable=False, server_default="0"),
)

# The primary key elects who decides: the second worker's row does not get in.
decisions = Table(
    "decisions",
    metadata,
    Column("study", Integer, ForeignKey("studies.id"), nullable=False),
    Column("decision", Integer, nullable=False),
    PrimaryKeyConstraint("study", "decision"),
)

trials = Table(
    "trials",
    metadata,
    Column("study", Integer, ForeignKey("studies.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("engine", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cause", Text),
    Column("parent_trial", Integer),
    Column("parent_epoch", Integer),
    Column("resumable", Boolean, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("purpose", String(16), nullable=False, server_default="search"),
    PrimaryKeyConstraint("study", "number"),
)
Index("trials_changed", trials.c.study, trials.c.changed)

steps = Table(
    "steps",
    metadata,
    Column("study", Integer, nullable=False),
    Column("decision", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("worker", String(255)),
    Column("lease_until", Float(53)),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("study", "decision", "position"),
    ForeignKeyConstraint(["study", "decision"], ["decisions.study", "decisions.decision"]),
    ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
)
Index("steps_state", steps.c.study, steps.c.state)

# The primary key makes a duplicate epoch impossible, whoever is killed when.
epochs = Table(
    "epochs",
    metadata,
    Column("study", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("study", "trial", "epoch"),
    ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
    sqlite_with_rowid=False,  # a trial's epochs lie side by side: one read for its curves
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("study", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    PrimaryKeyConstraint("study", "trial"),
    ForeignKeyConstraint(["study", "trial"], ["trials.study", "trials.number"]),
)

# The ledger of test sets names studies in words: a test set stays used when its study is gone.
openings = Table(
    "openings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("test", String(255), nullable=False, index=True),
    Column("study", String(255), nullable=False),
    Column("opened", Float(53), nullable=False),
)


def stamp(connection: Connection) -> None:
    """Write down whose tables these are, and of which version."""
    connection.execute(delete(meta))
    connection.execute(
        insert(meta),
        [
            {"key": "application", "value": APPLICATION},
            {"key": "version", "value": str(VERSION)},
        ],
    )
