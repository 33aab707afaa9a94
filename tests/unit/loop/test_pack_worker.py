"""A worker of packs spends a budget as any other does, with many trials at a time."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luthier import search
from luthier.core import Categorical, Float
from luthier.loop.budget import Budget
from luthier.loop.interrupt import Stop
from luthier.loop.pack_worker import FEWEST, PackWorker

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)

from luthier.engines.packed import Packed

FULL = 6
SPACE = {"learning_rate": Float(1e-3, 1e-1, log=True)}
FAULTY = {**SPACE, "model.fault": Categorical("sound", "nan", "raises", "never built")}


class Watched(Packed):
    """Notes which slots train together."""

    def __init__(self) -> None:
        super().__init__("cpu")
        self.calls: list[tuple[int, ...]] = []

    def run(self, until: Any) -> Any:
        self.calls.append(tuple(until))
        return super().run(until)


@pytest.fixture(scope="module")
def engine() -> Watched:
    return Watched()


@pytest.fixture
def work(bench: Callable[..., Any], engine: Watched) -> Callable[..., Any]:
    engine.calls.clear()

    def run(study: Any, budget: str, notify: Any = lambda history: None, stop: Any = None) -> Any:
        trainer = study.parts.trainer("packed")
        trainer.choice._engines["packed"] = engine  # so that all tests compile once
        parts = (search.by_name("halving"), Budget.parse(budget), trainer, stop or Stop(), notify)
        PackWorker(study.record, study.storage, *parts).run()
        return study.history

    return run


def test_epochs_are_spent_to_the_last_by_trials_side_by_side(bench, work, engine):
    study, seen = bench(SPACE), []
    history = work(study, "40 epochs", lambda history: seen.append(history.epochs))
    assert (history.epochs, max(seen)) == (40, 40)
    assert history.counts()["running"] == history.counts()["waiting"] == 0
    assert {trial.engine for trial in history.trials} == {"packed"}
    assert max(len(slots) for slots in engine.calls) == FEWEST


def test_each_comes_to_what_it_comes_to_alone(bench, work):
    study = bench(SPACE)
    work(study, "20 epochs")
    trainer = study.parts.trainer("torch_eager")
    for trial in study.history.trials[:3]:
        alone = trainer.start(trial.recipe, trial.seed, trial.epochs)
        while not alone.ended:
            alone.advance()
        assert trial.curves.val_loss == pytest.approx(alone.curves.val_loss, rel=1e-3)


def test_whoever_fails_fails_alone(bench, work):
    history = work(bench(FAULTY), "24 trials")
    fates = {(t.recipe.model["fault"], t.state == "failed") for t in history.trials if t.epochs}
    assert ("sound", False) in fates
    assert ("sound", True) not in fates
    causes = {str(t.cause).split(":")[0] for t in history.trials if t.state == "failed"}
    assert {"nan_loss", "ValueError"} <= causes


def test_asked_to_stop_it_gives_back_what_goes_on_later(bench, work):
    study, stop = bench(SPACE), Stop()

    def ask(history: Any) -> None:
        stop.asked = stop.asked or history.epochs >= 10

    work(study, "40 epochs", ask, stop)
    history = study.history
    assert 10 <= history.epochs < 40
    assert history.counts()["running"] == 0
    assert work(study, "40 epochs").epochs == 40


def test_how_many_at_a_time_follows_from_what_is_left(bench, engine):
    study = bench(SPACE)
    trainer = study.parts.trainer("packed")
    trainer.choice._engines["packed"] = engine
    parts = (study.record, study.storage, search.by_name("halving"))
    worker = PackWorker(*parts, Budget(epochs=600), trainer, Stop())
    assert worker.side_by_side == 600 / FULL
    assert replace(worker, budget=Budget(epochs=6)).side_by_side == FEWEST
    assert replace(worker, budget=Budget(trials=80)).side_by_side == 20
    assert replace(worker, budget=Budget()).side_by_side == engine.slots
