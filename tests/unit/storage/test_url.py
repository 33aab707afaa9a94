"""Which addresses are storages, and what is said about the others."""

import importlib.util
import pickle
from pathlib import Path

import pytest

from luthier.core import MissingExtraError, StorageError
from luthier.storage import connect
from luthier.storage.sqlite_file import network_file_system
from luthier.testing.studies import STUDY, new_steps, study_record


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("runs.db", r"no address .*--storage sqlite:///runs\.db"),
        ("mysql://u:secret@host/db", r"'mysql'.*Possible are sqlite"),
        ("sqlite://runs.db", "mind the number of slashes"),
        ("sqlite:///runs.db?mode=ro", "more in it than a file's name"),
    ],
)
def test_what_is_no_storage_is_refused_in_words(url: str, words: str):
    with pytest.raises(StorageError, match=words) as caught:
        connect(url)
    assert "secret" not in str(caught.value)


def test_postgresql_is_still_to_come(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"luthier\[postgres\]"):
        connect("postgresql://host/db")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    with pytest.raises(StorageError, match="cannot use yet") as caught:
        connect("postgresql://ada:secret@host/db")
    assert "secret" not in str(caught.value)


def test_a_storage_stays_where_it_is_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    storage = connect("sqlite:///runs.db")
    storage.open(study_record())
    storage.close()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert storage.record(STUDY) == study_record()
    assert [path.name for path in tmp_path.glob("**/*.db")] == ["runs.db"]


def test_a_copy_for_another_process_opens_the_same_file(tmp_path: Path):
    storage = connect(f"sqlite:///{tmp_path / 'runs.db'}")
    storage.open(study_record())
    copy = pickle.loads(pickle.dumps(storage))
    assert (copy.record(STUDY), copy.url) == (study_record(), storage.url)


def test_memory_cannot_be_shared():
    with pytest.raises(StorageError, match="lives in the one that made it"):
        pickle.dumps(connect("sqlite://"))


def test_time_is_an_argument(tmp_path: Path):
    now = 1000.0
    storage = connect("sqlite://", clock=lambda: now)
    storage.open(study_record())
    storage.plan(STUDY, 0, new_steps(1))
    assert storage.claim(STUDY, "ada", 30.0)
    now += 29.0
    assert storage.claim(STUDY, "bob", 30.0) is None
    now += 2.0
    assert storage.claim(STUDY, "bob", 30.0)


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/ada/fast ext4 rw 0 0
//nas/data /mnt/my\\040share cifs rw 0 0
tmpfs /mnt/over tmpfs rw 0 0
nas:/x /mnt/over nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/runs.db", None),
        ("/home/ada/runs.db", "nfs4"),
        ("/home/ada/fast/runs.db", None),
        ("/homer/runs.db", None),
        ("/mnt/my share/runs.db", "cifs"),
        ("/mnt/over/runs.db", "nfs"),
    ],
)
def test_network_file_systems_are_found(tmp_path: Path, path: str, kind: str | None):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_file_system(Path(path), mounts) == kind


def test_a_network_file_system_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = "luthier.storage.sqlite_file.network_file_system"
    monkeypatch.setattr(found, lambda path, mounts: "nfs4")
    with pytest.raises(StorageError, match=r"\(nfs4\).*use PostgreSQL"):
        connect(f"sqlite:///{tmp_path / 'runs.db'}")
    assert not list(tmp_path.iterdir())


def test_without_a_list_of_mounts_none_is_refused(tmp_path: Path):
    assert network_file_system(tmp_path, tmp_path / "none") is None
