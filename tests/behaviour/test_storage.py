"""Storages under fire: many processes, kills, full disks, and files that are something else."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from luthier.core import Recipe, State, Step, StorageError, StudyRecord
from luthier.storage import connect
from luthier.testing.studies import STUDY, epoch_of, epochs, new_steps, state_after, study_record

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start Python programs; none of them outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def address(path: Path) -> str:
    return f"sqlite:///{path}"


def healthy(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",) and not broken


OPEN = """
import sys
from luthier.storage import connect
from luthier.testing.studies import study_record
print("ready", flush=True)
sys.stdin.readline()
storage = connect(sys.argv[1])
print(storage.open(study_record()).name)
"""


@pytest.mark.parametrize("exists", [False, True], ids=["no file", "an empty file"])
def test_eight_processes_open_a_new_study_at_once(tmp_path: Path, spawn: Spawn, exists: bool):
    path = tmp_path / "runs.db"
    if exists:
        path.touch()
    processes = [spawn(OPEN, address(path)) for _ in range(8)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60) for process in processes]
    assert told == [(f"{STUDY}\n", "")] * 8
    assert len(connect(address(path)).studies()) == 1
    assert healthy(path)


TRAIN = """
import os, sys, time
from luthier.storage import connect
from luthier.testing.studies import STUDY, epoch_of, epochs, new_steps, state_after, study_record

me = str(os.getpid())
# A fast clock, so that a quarter of a second has passed between any two epochs.
storage = connect(sys.argv[1], clock=lambda: 10_000 * time.time(), attempts=1000)
storage.open(study_record())
for worker in storage.workers(STUDY):
    storage.release(STUDY, worker)
while True:
    history = storage.history(STUDY)
    claim = storage.claim(STUDY, me, 1e9)
    if claim is None:
        if history.decisions == 24:
            break
        storage.plan(STUDY, history.decisions, new_steps(2, until=8))
        continue
    print("training", flush=True)
    epoch = epoch_of(claim.state)
    if epoch != claim.trial.epochs:
        sys.exit(f"a state after epoch {epoch} beside {claim.trial.epochs} epochs")
    for epoch in range(epoch + 1, claim.until + 1):
        storage.advance(STUDY, claim, epochs(epoch), state_after(epoch), seconds=0.25)
    storage.finish(STUDY, claim, "finished")
print("done", flush=True)
"""


def test_kills_at_any_moment_leave_no_gap_and_no_duplicate(tmp_path: Path, spawn: Spawn):
    path, moments, kills = tmp_path / "runs.db", random.Random(0), 0
    for _ in range(60):
        process = spawn(TRAIN, address(path))
        # It imports first; the clock starts with its first step.
        line = process.stdout.readline()
        time.sleep(moments.uniform(0.0, 0.04))
        if kills < 12 and process.poll() is None and line == "training\n":
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        assert not err
        if "done" in line + out:
            break
        kills += 1
    assert kills > 3
    assert healthy(path)
    history = connect(address(path)).history(STUDY)
    assert len(history.trials) == 48
    for trial in history.trials:
        assert (trial.state, trial.curves) == ("finished", epochs(*range(1, 9)))
    assert history.seconds == 48 * 8 * 0.25


def test_a_kill_while_the_file_is_made_leaves_one_that_opens(tmp_path: Path, spawn: Spawn):
    moments = random.Random(0)
    for attempt in range(8):
        path = tmp_path / f"{attempt}.db"
        process = spawn(OPEN, address(path))
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(moments.uniform(0.0, 0.03))
        process.kill()
        process.communicate()
        assert connect(address(path)).open(study_record()) == study_record()
        assert healthy(path)


def test_a_forked_process_uses_its_own_connection(tmp_path: Path):
    storage = connect(address(tmp_path / "runs.db"))
    storage.open(study_record())
    pid = os.fork()
    if pid == 0:
        for decision in range(0, 40, 2):
            storage.plan(STUDY, decision, new_steps(1))
        os._exit(0)
    for decision in range(1, 40, 2):
        storage.plan(STUDY, decision, new_steps(1))
    assert os.waitpid(pid, 0)[1] == 0
    history = storage.history(STUDY)
    assert (len(history.trials), history.decisions) == (40, 40)
    assert healthy(tmp_path / "runs.db")


def test_a_file_that_is_opened_twice_here_stays_locked_against_others(tmp_path: Path, spawn: Spawn):
    path = tmp_path / "runs.db"
    first = connect(address(path))
    first.open(study_record())
    second = connect(address(path))
    # Who takes itself for the last one removes the log, to which others still write.
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('select * from studies')"
    assert spawn(look, path).wait() == 0
    assert path.with_name("runs.db-wal").exists()
    first.plan(STUDY, 0, new_steps(1))
    assert len(second.history(STUDY).trials) == 1
    second.close()
    assert len(first.history(STUDY).trials) == 1


def test_memory_is_refused_in_a_forked_process():
    storage = connect("sqlite://")
    pid = os.fork()
    if pid == 0:
        try:
            storage.studies()
        except StorageError:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_nothing_that_was_stored(small_disk: Path):
    path = small_disk / "runs.db"
    storage = connect(address(path))
    storage.open(study_record())
    storage.plan(STUDY, 0, new_steps(100))
    big = State({"weights/w": np.zeros(50_000, np.uint8)}, {"epoch": 1})
    stored = 0

    def fill() -> None:
        nonlocal stored
        while claim := storage.claim(STUDY, "ada", 1e6):
            if not claim.trial.epochs:
                storage.advance(STUDY, claim, epochs(1), big, seconds=1)
                stored += 1
            storage.finish(STUDY, claim, "finished")

    with pytest.raises(StorageError, match=r"full.*Everything stored before.*Free some space"):
        fill()
    assert 2 < stored < 100
    # The same storage goes on where it was, once there is room; so does a new process.
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    for again in (storage, connect(address(path))):
        again.release(STUDY, "ada")
        history = again.history(STUDY)
        assert [t.epochs for t in history.trials] == [1] * stored + [0] * (100 - stored)
        assert [t.number for t in history.trials if t.stored] == list(range(stored))
        assert epoch_of(again.state(STUDY, stored - 1)) == 1
    fill()
    assert {trial.epochs for trial in storage.history(STUDY).trials} == {1}
    assert healthy(path)


def test_a_database_that_another_program_locks_is_named(tmp_path: Path):
    path = tmp_path / "runs.db"
    storage = connect(address(path), wait=0.1)
    storage.open(study_record())
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"runs\.db was locked .* for 0\.1 seconds"):
            storage.plan(STUDY, 0, new_steps(1))
        assert storage.history(STUDY).decisions == 0, "readers do not wait"
    assert storage.plan(STUDY, 0, new_steps(1))


def other_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE trials (trial_id INTEGER)")
        connection.commit()


def newer_version(path: Path) -> None:
    connect(address(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def damaged(path: Path) -> None:
    connect(address(path)).close()
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xaa" * (len(data) - 100))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("epoch,loss\n0,1.5\n" * 20), "is no database"),
        (lambda path: path.write_text("x"), "is no database"),
        (other_program, "an SQLite database of another program"),
        (newer_version, "newer luthier: it has storage version 99.*pip install --upgrade luthier"),
        (damaged, "is damaged"),
        (lambda path: os.mkfifo(path), "is no regular file"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
    ids=["text", "short", "other program", "newer", "damaged", "pipe", "folder"],
)
def test_what_is_no_storage_is_refused_and_left_as_it_is(
    tmp_path: Path, make: Callable[[Path], object], words: str
):
    path = tmp_path / "runs.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StorageError, match=words):
        connect(address(path))
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [found.name for found in tmp_path.iterdir()] == ["runs.db"]


def test_a_version_that_another_process_raises_meanwhile_is_noticed(tmp_path: Path):
    path = tmp_path / "runs.db"
    first = connect(address(path))
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")  # in the log, not yet in the file
        with pytest.raises(StorageError, match="newer luthier"):
            connect(address(path))
    first.close()


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"mkdir -p .*/none"):
        connect(address(tmp_path / "none" / "runs.db"))


AS_NOBODY = """
import os, sys
from luthier.core import StorageError
from luthier.storage import connect
os.setuid(65534)
try:
    storage = connect(sys.argv[1])
    storage.opened("test", "digits")
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become nobody")
@pytest.mark.parametrize(
    ("rights", "words"), [(0o600, "cannot be read"), (0o644, "cannot be opened for writing")]
)
def test_a_file_of_someone_else_is_refused_in_words(
    tmp_path: Path, spawn: Spawn, rights: int, words: str
):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-", "test_")):  # pytest's own, closed to others
            folder.chmod(0o755)
    path = tmp_path / "runs.db"
    connect(address(path)).close()
    path.chmod(rights)
    out, err = spawn(AS_NOBODY, address(path)).communicate(timeout=60)
    assert (words in out, err) == (True, "")


def test_a_study_of_25000_epochs_is_read_at_once(tmp_path: Path):
    storage = connect(address(tmp_path / "runs.db"))
    storage.open(StudyRecord(STUDY, "accuracy", "maximize", study_record().space))
    storage.plan(STUDY, 0, [Step(50, recipe=Recipe(), seed=i) for i in range(500)])
    for _ in range(500):
        claim = storage.claim(STUDY, "ada", 1e6)
        storage.advance(STUDY, claim, epochs(*range(1, 51)), state_after(50), seconds=0)
    started = time.perf_counter()
    history = storage.history(STUDY)
    assert time.perf_counter() - started < 2.0, "0.15 s on an idle machine"
    started = time.perf_counter()
    storage.advance(STUDY, claim, epochs(51), state_after(51), seconds=0)
    assert len(storage.history(STUDY, history.changed).trials) == 1
    assert time.perf_counter() - started < 0.5, "3 ms on an idle machine"
