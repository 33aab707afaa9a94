"""Older databases are brought up to date, as a whole or not at all."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from luthier.storage import connect, migrations, schema
from luthier.testing.studies import STUDY, epoch_of, epochs

VERSION_1 = (Path(__file__).parent / "version_1.sql").read_text(encoding="utf-8")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    return path


def shape(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return each table's columns: name, type, whether it may be null, place in the key."""
    with closing(sqlite3.connect(path)) as connection:
        names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master")]
        return {
            name: sorted(
                (column[1], column[2], column[3], column[5])
                for column in connection.execute(f"PRAGMA table_xinfo('{name}')")
            )
            for name in names
        }


def test_there_is_a_migration_for_each_version():
    assert len(migrations.MIGRATIONS) == schema.VERSION - 1


def test_an_old_database_goes_on(old: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "luthier.storage"):
        storage = connect(f"sqlite:///{old}")
    assert f"{old}: brought from storage version 1 to {schema.VERSION}." in caplog.text
    history = storage.history(STUDY)
    assert (history.trials[0].curves, history.seconds) == (epochs(1, 2), 0.0)
    assert epoch_of(storage.state(STUDY, 0)) == 2
    assert storage.opened("test", STUDY) == 0


def test_a_migrated_database_has_the_tables_of_a_new_one(old: Path, tmp_path: Path):
    connect(f"sqlite:///{old}").close()
    connect(f"sqlite:///{tmp_path / 'new.db'}").close()
    assert shape(old) == shape(tmp_path / "new.db")


def test_it_is_migrated_once(old: Path, caplog: pytest.LogCaptureFixture):
    connect(f"sqlite:///{old}").close()
    with caplog.at_level(logging.INFO, "luthier.storage"):
        connect(f"sqlite:///{old}").close()
    assert not caplog.records


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch):
    before = old.read_bytes()

    def fails(connection: object) -> None:
        raise RuntimeError("half way")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, fails))
    with pytest.raises(RuntimeError, match="half way"):
        connect(f"sqlite:///{old}")
    assert old.read_bytes() == before


def test_trials_of_an_older_version_search(old: Path):
    storage = connect(f"sqlite:///{old}")
    (study,) = storage.studies()
    trials = storage.history(study.name).trials
    assert trials
    assert {trial.purpose for trial in trials} == {"search"}
