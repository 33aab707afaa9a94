"""Several workers on a study: equal trials, deaths that end one trial, kills that lose nothing."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from luthier import Categorical, Recipe, train, tune
from luthier.core import Curves, History, LuthierError, Trial
from luthier.storage import connect

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes of a Unix")

LUTHIER = [sys.executable, "-c", "from luthier.apps.cli import main; main()"]
RECIPE = Recipe(epochs=6, batch_size=32, dropout=None)
# Slow enough to be killed in the middle, and quick once the file is gone.
SLOW = """
import time
from pathlib import Path
from typing import Annotated

from torch import nn

from luthier import Int


class Slow(nn.Linear):
    def forward(self, x):
        if self.training and Path("slow").exists():
            time.sleep(0.05)
        return super().forward(x)


def build(n_features, n_outputs, width: Annotated[int, Int(4, 32)] = 8):
    return nn.Sequential(nn.Linear(n_features, width), nn.ReLU(), Slow(width, n_outputs))
"""


def url(folder: Path, name: str = "luthier") -> str:
    return f"sqlite:///{folder}/{name}.db"


def history(folder: Path, study: str) -> History:
    storage = connect(url(folder))
    try:
        return storage.history(study)
    finally:
        storage.close()


def timeless(trial: Trial) -> str:
    return repr(Curves(**{**vars(trial.curves), "seconds": ()}))


def epochs_are_whole(path: Path) -> bool:
    """Tell whether each trial has the epochs from 1 on, each once."""
    with sqlite3.connect(path) as database:
        query = "select count(*), count(distinct epoch), max(epoch) from epochs group by trial"
        return all(len(set(row)) == 1 for row in database.execute(query))


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[int]]:
    """Return what finds the living processes that this test has started, and theirs."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv("LUTHIER_TEST", mark)

    def find() -> list[int]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if mark.encode() in environment and state != "Z" and int(process.name) != os.getpid():
                found.append(int(process.name))
        return found

    return find


def until(happened: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something has happened; fail if it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_how_many_workers_train_a_trial_changes_no_bit_of_it(tmp_path: Path):
    # By name: which engine is the fastest may be told otherwise at another moment.
    # Its first decision is eight trials, whatever the others have seen when they decide.
    options = {"recipe": RECIPE, "engine": "torch_eager", "strategy": "halving"}
    where = {"storage": url(tmp_path), "budget": "9 trials"}
    alone = tune("mlp", "iris", study="alone", **options, **where)
    seen: list[History] = []
    beside = tune("mlp", "iris", study="beside", workers=2, notify=seen.append, **options, **where)
    trained = {t.recipe.identity: t for t in alone.trials}
    pairs = [(trained[t.recipe.identity], t) for t in beside.trials if t.recipe.identity in trained]
    assert len(pairs) >= 8, "the first decision is the same"
    for one, other in pairs:
        least = min(one.epochs, other.epochs)
        cut = [timeless(Trial(0, t.recipe, 0, curves=t.curves.upto(least))) for t in (one, other)]
        assert cut[0] == cut[1]
    assert len(beside.trials) == 9
    assert (
        beside.best.score
        == train(
            "mlp",
            "iris",
            recipe=beside.best.recipe,
            epochs=beside.best.trial.epochs,
            engine="torch_eager",
        ).score
    )
    # Whoever watches is told how it goes, and in the end that it is over.
    assert seen[-1].epochs == beside.history.epochs
    assert {t.state for t in seen[-1].trials} <= {"paused", "finished"}


def test_a_builder_that_kills_its_process_fails_its_trials_alone(tmp_path: Path):
    import torch

    def build(n_features: int, n_outputs: int, width: int = 4):
        if width == 16:
            os.kill(os.getpid(), signal.SIGSEGV)
        if width == 17:
            os._exit(3)
        return torch.nn.Sequential(
            torch.nn.Linear(n_features, width), torch.nn.Linear(width, n_outputs)
        )

    study = tune(
        build,
        "iris",
        recipe={"epochs": 6},
        space={"model.width": Categorical(4, 8, 16, 17)},
        budget="100 epochs",
        storage=url(tmp_path),
        study="crash",
        workers=2,
    )
    causes = {trial.recipe.model["width"]: trial.cause for trial in study.trials}
    assert causes == {
        4: None,
        8: None,
        16: "the worker died of SIGSEGV while training it",
        17: "the worker ended itself with exit code 3 while training it",
    }
    assert [t.state for t in study.trials if t.cause] == ["failed", "failed"]
    assert study.trials[0].state == "finished"
    assert study.history.counts()["running"] == study.history.counts()["waiting"] == 0
    assert "2 of 4 trials failed" in study.summary.notes[-1]


def test_a_trial_that_is_killed_again_and_again_says_how_that_happens(tmp_path: Path):
    import torch

    def build(n_features: int, n_outputs: int, width: int = 4):
        if width == 16:
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.nn.Linear(n_features, n_outputs)

    study = tune(
        build,
        "iris",
        recipe={"epochs": 3},
        space={"model.width": Categorical(4, 16)},
        budget="100 epochs",
        storage=url(tmp_path),
        executor="processes",
    )
    assert [trial.state for trial in study.trials] == ["finished", "failed"]
    assert study.trials[1].cause == (
        "out_of_memory?: 3 workers in a row were killed at epoch 1, the last one was killed "
        "(SIGKILL); a system does that when memory runs out"
    )


def test_workers_that_all_die_end_the_study_with_one_message(tmp_path: Path):
    class Deadly:
        def __reduce__(self) -> Any:
            return os._exit, (7,)

    deadly = Deadly()
    with pytest.raises(LuthierError) as raised:
        tune(lambda trial: deadly, budget="5 trials", storage=url(tmp_path), workers=2)
    assert str(raised.value) == (
        "3 workers in a row ended before they took on a trial; the last one ended itself with "
        "exit code 7. Mend that, or run without --workers to see more of it."
    )


def test_an_objective_is_shared_by_workers(tmp_path: Path):
    scale = 3.0

    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        for epoch in range(3):
            time.sleep(0.05)
            trial.report(x * scale, epoch)
        if trial.number == 1:
            raise ValueError("this one fails")
        return x * scale + 0 * os.getpid()

    options = {"budget": "8 trials", "strategy": "random"}  # which draws by a trial's number
    study = tune(objective, storage=url(tmp_path), workers=2, **options)
    assert len(study.trials) == 8
    assert [t.number for t in study.trials if t.state == "failed"] == [1]
    alone = tune(objective, storage="sqlite://", **options)
    assert [t.recipe.model for t in study.trials] == [t.recipe.model for t in alone.trials]


class TestKilled:
    KILLS = 5

    @pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
    def test_the_parent_may_be_killed_at_any_moment(
        self, tmp_path: Path, marked: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.chdir(tmp_path)
        Path("net.py").write_text(SLOW)
        Path("slow").touch()
        draw = random.Random(20261124)
        for _ in range(self.KILLS):
            child = os.fork()
            if child == 0:
                try:
                    self.run(tmp_path)
                finally:
                    os._exit(0)
            time.sleep(draw.uniform(0.3, 4.5))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            until(lambda: not marked(), 3)
        Path("slow").unlink()
        study = self.run(tmp_path)
        assert study.epochs == 40
        assert epochs_are_whole(tmp_path / "luthier.db")
        assert study.counts()["running"] == study.counts()["waiting"] == 0
        assert {trial.cause for trial in study.trials} == {None}

    def run(self, folder: Path) -> History:
        return tune(
            "net.py",
            "wine",
            recipe=RECIPE,
            budget="40 epochs",
            storage=url(folder),
            study="killed",
            workers=2,
        ).history


TUNE = ("tune", "wine", "--model", "net.py", "--epochs", "60", "--workers", "2")


@pytest.fixture
def search(
    tmp_path: Path, marked: Callable[[], list[int]]
) -> Iterator[tuple[subprocess.Popen[str], Callable[[], None]]]:
    """Start a search with two workers that train; return it, and what a terminal's Ctrl-C does."""
    (tmp_path / "net.py").write_text(SLOW)
    (tmp_path / "slow").touch()
    process = subprocess.Popen(
        [*LUTHIER, *TUNE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def both_train() -> bool:
        try:
            return len(connect(url(tmp_path), create=False).workers("wine-net")) == 2
        except LuthierError:
            return False

    until(both_train)
    yield process, lambda: os.killpg(process.pid, signal.SIGINT)
    process.kill()


def test_ctrl_c_once_ends_all_workers_after_their_epoch(search: Any, tmp_path: Path):
    process, ctrl_c = search
    ctrl_c()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "validation" in out
    assert "stopping after this epoch" in err
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    left = history(tmp_path, "wine-net")
    assert 0 < left.epochs < 60
    assert left.counts()["running"] == 0
    assert all(trial.stored for trial in left.trials if trial.epochs)


def test_ctrl_c_twice_ends_all_workers_at_once(
    search: Any, tmp_path: Path, marked: Callable[[], list[int]], luthier: Any
):
    process, ctrl_c = search
    ctrl_c()
    time.sleep(0.02)
    ctrl_c()
    began = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    if process.returncode == 0:
        pytest.skip("the epoch ended between both")
    assert time.monotonic() - began < 10  # under one where nobody else computes
    assert (process.returncode, out) == (130, "")
    until(lambda: not marked(), 1)
    assert history(tmp_path, "wine-net").counts()["running"] == 0
    (tmp_path / "slow").unlink()
    ran = luthier(*TUNE[:-2], "--json")  # with one worker, as it happens
    assert (ran.code, ran.json["epochs_spent"]) == (0, 60), ran.err
    assert epochs_are_whole(tmp_path / "luthier.db")


def test_a_worker_in_another_terminal_shares_the_work(tmp_path: Path, luthier: Any):
    (tmp_path / "net.py").write_text(SLOW)
    (tmp_path / "slow").touch()
    helper: list[subprocess.Popen[str]] = []

    def join(seen: History) -> None:
        if seen.epochs and not helper:
            command = [*LUTHIER, "worker", "--storage", url(tmp_path), "--study", "s", "--json"]
            helper.append(subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1, text=True))
        if helper and len([t for t in seen.trials if t.state == "running"]) > 1:
            (tmp_path / "slow").unlink(missing_ok=True)

    found = tune(
        "net.py",
        "wine",
        budget="200 epochs",
        storage=url(tmp_path),
        study="s",
        notify=join,
    )
    out, err = helper[0].communicate(timeout=30)
    assert helper[0].returncode == 0, err
    share = json.loads(out)
    assert share["worker"]["trials"] > 0
    assert 0 < share["worker"]["epochs"] < 200
    assert share["epochs_spent"] <= found.history.epochs  # it leaves before what confirms
    # A verdict at the first look leaves what the next one would have taken.
    spent, proof = found.history.epochs, found.proof
    assert spent == 200 or (spent < 200 and proof is not None and proof.verdict is not None)
    assert epochs_are_whole(tmp_path / "luthier.db")


def test_a_budget_in_time_is_that_of_a_clock_on_the_wall(tmp_path: Path):
    def objective(trial: Any) -> float:
        trial.suggest_float("x", 0, 1)
        for _ in range(5):
            time.sleep(0.02)
            trial.report(1.0)
        return 1.0

    began = time.monotonic()
    study = tune(objective, budget="2s", storage=url(tmp_path), workers=2)
    took = time.monotonic() - began
    assert 2.0 <= study.history.seconds < 3.0
    assert took < 30  # starting up included, which takes as long as others leave it
    assert study.history.seconds <= took


class TestMistakes:
    """One message and exit code 2, before anything is trained."""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--executor", "proceses"), "no executor 'proceses'. Did you mean 'processes'?"),
            (("--executor", "local", "--workers", "2"), "the local executor got 2 workers"),
            (("--workers", "2", "--storage", "sqlite://"), "a storage in memory was used in"),
        ],
    )
    def test_of_tune(self, luthier: Any, arguments: tuple[str, ...], message: str):
        ran = luthier("tune", "iris", "--epochs", "8", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: {message}")
        assert "Traceback" not in ran.err

    def test_of_worker(self, luthier: Any, tmp_path: Path):
        ran = luthier("worker", "--study", "none")
        assert (ran.code, ran.err[:30]) == (2, "error: no file 'luthier.db'. A")
        luthier("tune", "iris", "--epochs", "6", "--quiet")
        ran = luthier("worker", "--study", "iris")
        assert (ran.code, "It holds 'iris-mlp'" in ran.err) == (2, True)
        ran = luthier("worker", "--study", "iris-mlp")
        assert ran.code == 0
        assert ran.out.startswith("trained   nothing: the study's budget is spent.")

    def test_of_a_worker_that_cannot_have_the_data(self, luthier: Any, tmp_path: Path):
        import numpy as np

        x = np.random.default_rng(0).normal(size=(60, 3))
        tune("mlp", (x, x[:, 0]), budget="6 epochs", storage=url(tmp_path), study="arrays")
        ran = luthier("worker", "--study", "arrays")
        assert ran.code == 2
        assert ran.err == (
            "error: study 'arrays' learns from Python objects of the program that began it, so no "
            "other program can work on it. A worker needs data in a file and a family or "
            "FILE.py:function. For more workers, in that program: luthier.tune(..., workers=2)\n"
        )
        tune(lambda trial: 1.0, budget="1 trials", storage=url(tmp_path), study="own")
        assert "tunes an objective" in luthier("worker", "--study", "own").err

    def test_of_a_worker_whose_builder_or_data_changed(
        self, luthier: Any, tmp_path: Path, table: Any
    ):
        path = table("bought")
        (tmp_path / "net.py").write_text(SLOW)
        arguments = ("tune", path, "--target", "bought", "--model", "net.py", "--quiet")
        assert luthier(*arguments, "--epochs", "6", "--study", "c").code == 0
        assert luthier("worker", "--study", "c").code == 0
        (tmp_path / "net.py").write_text(SLOW + "\n# changed\n")
        assert "the builder differs (source" in luthier("worker", "--study", "c").err
        (tmp_path / "net.py").write_text(SLOW)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-9]))
        ran = luthier("worker", "--study", "c")
        assert (ran.code, "the data differs (fingerprint" in ran.err) == (2, True)
