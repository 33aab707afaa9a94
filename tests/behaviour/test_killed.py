"""A study that is killed at any moment goes on, and ends where it would have ended."""

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from luthier import Recipe, train, tune
from luthier.core import Curves, History, Trial
from luthier.storage import connect

BUDGET = "120 epochs"
RECIPE = Recipe(model={"width": 32}, epochs=6, batch_size=32, dropout=0.1, ema=0.9)
KILLS = 24

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def run(folder: Path) -> None:
    tune(
        "mlp",
        "digits",
        budget=BUDGET,
        recipe=RECIPE,
        storage=url(folder),
        study="digits",
        engine="torch_eager",
    )


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/runs.db"


def killed_after(folder: Path, seconds: float) -> bool:
    """Run the study in a child, kill it after some time; tell whether it had ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            run(folder)
        finally:
            os._exit(0)
    time.sleep(seconds)
    done, _ = os.waitpid(child, os.WNOHANG)
    if done:
        return True
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def values(trial: Trial) -> tuple:
    """Return all of a trial but the time it took."""
    curves = trial.curves
    timeless = Curves(**{**vars(curves), "seconds": ()})
    return trial.number, trial.recipe, trial.seed, trial.state, trial.cause, repr(timeless)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    run(folder)
    return folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, draw = tmp_path_factory.mktemp("killed"), random.Random(20260601)
    ended = [killed_after(folder, draw.uniform(0.0, 0.6)) for _ in range(KILLS)]
    run(folder)
    assert ended.count(False) >= 20, "the study ended before it was killed often enough"
    return folder


def history(folder: Path) -> History:
    return connect(url(folder)).history("digits")


def test_killed_at_many_random_moments_it_ends_the_same(killed: Path, undisturbed: Path):
    assert list(map(values, history(killed).trials)) == list(
        map(values, history(undisturbed).trials)
    )


def test_no_epoch_is_stored_twice_and_none_is_lost(killed: Path, undisturbed: Path):
    with sqlite3.connect(killed / "runs.db") as database:
        rows = database.execute(
            "select trial, epoch, count(*) from epochs group by 1, 2"
        ).fetchall()
    assert {count for _, _, count in rows} == {1}
    assert len(rows) == history(undisturbed).epochs


def test_the_winner_trained_alone_has_the_score_of_the_study(killed: Path):
    found = history(killed)
    best = found.best
    alone = train(
        "mlp",
        "digits",
        recipe=best.recipe,
        seed=best.seed,
        epochs=best.epochs,
        engine="torch_eager",
    )
    assert alone.score == found.score(best)
    assert alone.trial.curves.val_loss == best.curves.val_loss
