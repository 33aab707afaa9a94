"""The command as a process: streams, terminals, Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LUTHIER = [sys.executable, "-c", "from luthier.apps.cli import main; main()"]
# Slow enough to be interrupted in the middle of an epoch, and quick once the file is gone; in
# PyTorch's engine, as a program would not look for the file.
SLOW = """
import time
from pathlib import Path

from torch import nn


class Slow(nn.Linear):
    def forward(self, x):
        if self.training and Path("slow").exists():
            time.sleep(0.1)
        return super().forward(x)


def build(n_features, n_outputs):
    return Slow(n_features, n_outputs)
"""
TUNE = (
    *("tune", "wine", "--model", "net.py", "--epochs", "40", "--out", "out"),
    *("--engine", "torch_eager"),
)


@pytest.fixture
def search(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a search that has trained an epoch or two, with some hundred seconds to go."""
    (tmp_path / "net.py").write_text(SLOW)
    (tmp_path / "slow").touch()
    process = subprocess.Popen(
        [*LUTHIER, *TUNE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for _ in range(600):
        if epochs(tmp_path):
            break
        time.sleep(0.1)
    yield process
    process.kill()


def epochs(folder: Path) -> int:
    """Return how many epochs are stored."""
    from luthier.core import LuthierError
    from luthier.storage import connect

    try:
        storage = connect(f"sqlite:///{folder}/luthier.db", create=False)
        found = [storage.history(record.name).epochs for record in storage.studies()]
        storage.close()
    except LuthierError:
        return 0
    return sum(found)


def finish(luthier: Any, folder: Path, stored: int) -> None:
    """Run the same command to its end: it goes on, and loses nothing."""
    (folder / "slow").unlink()
    ran = luthier(*TUNE, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["epochs_spent"] == 40 > stored
    trials = luthier("show", "wine-net", "--json").json["all_trials"]
    assert [trial["trial"] for trial in trials] == list(range(len(trials)))


def test_ctrl_c_once_reports_the_best_so_far(
    search: subprocess.Popen[str], luthier: Any, tmp_path: Path
) -> None:
    search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=60)
    assert search.returncode == 0
    assert "stopping after this epoch; Ctrl-C once more stops at once" in err
    assert re.search(r"^validation +log_loss", out, re.MULTILINE)
    assert "goes on, if budget is left" in out
    assert (tmp_path / "out" / "train.py").exists()
    stored = epochs(tmp_path)
    assert 0 < stored < 40
    finish(luthier, tmp_path, stored)


def test_ctrl_c_twice_stops_at_once(
    search: subprocess.Popen[str], luthier: Any, tmp_path: Path
) -> None:
    stored = epochs(tmp_path)
    search.send_signal(signal.SIGINT)
    time.sleep(0.1)
    began = time.monotonic()
    search.send_signal(signal.SIGINT)
    out, err = search.communicate(timeout=60)
    if search.returncode == 0:
        pytest.skip("the epoch ended between both")
    assert time.monotonic() - began < 10  # under one where nobody else computes
    assert search.returncode == 130
    assert out == ""
    assert err.endswith("stopped; the same command goes on from what was stored\n")
    assert "Traceback" not in err
    assert epochs(tmp_path) >= stored
    finish(luthier, tmp_path, stored)


def run(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LUTHIER, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, **options
    )


def test_streams_and_exit_codes(tmp_path: Path) -> None:
    done = run(tmp_path, "tune", "wine", "--epochs", "10", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["epochs_spent"] == 10
    assert done.stderr == ""
    wrong = run(tmp_path, "tune", "wine", "--metric", "acuracy")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr.startswith("error: metric is 'acuracy'")


def test_an_old_terminal_gets_what_it_can_show(luthier: Any, tmp_path: Path) -> None:
    luthier("tune", "wine", "--epochs", "20", "--quiet")
    shown = run(tmp_path, "show", "wine-mlp", env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert shown.returncode == 0
    assert "best " in shown.stdout


def test_a_terminal_shows_the_search(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SLOW)
    (tmp_path / "slow").touch()
    primary, secondary = pty.openpty()
    process = subprocess.Popen(
        [*LUTHIER, "tune", "wine", "--model", "net.py", "--epochs", "4"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=secondary,
        text=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(secondary)
    shown: list[bytes] = []

    def read() -> None:
        while True:
            try:
                shown.append(os.read(primary, 4096))
            except OSError:
                return

    reader = threading.Thread(target=read)
    reader.start()
    out, _ = process.communicate(timeout=60)
    reader.join(timeout=10)
    text = b"".join(shown).decode()
    assert process.returncode == 0
    for part in ("luthier tune wine", "trials", "spent", "epochs left", "log_loss", "trial 0"):
        assert part in text
    assert "\x1b" not in out
    assert "validation" in out
