"""A worker of packs spends a budget as any other does, with many trials at a time."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luthier import search
from luthier.core import Categorical, Float, Step
from luthier.loop.working.budget import Budget
from luthier.loop.working.interrupt import Stop
from luthier.loop.working.pack_worker import FEWEST, PackWorker

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

    def run(
        study: Any,
        budget: str,
        notify: Any = lambda history: None,
        stop: Any = None,
        strategy: Any = None,
    ) -> Any:
        trainer = study.parts.trainer("packed")
        trainer.choice._engines["packed"] = engine  # so that all tests compile once
        parts = (Budget.parse(budget), trainer, stop or Stop(), notify)
        strategy = strategy or search.by_name("halving")
        PackWorker(study.record, study.storage, strategy, *parts).run()
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
    faults = ("sound", "nan", "sound", "raises", "never built", "sound")

    def each(space: Any, history: Any, rng: Any) -> list[Step]:
        recipes = [space.baseline.replace({"model.fault": fault}) for fault in faults]
        return [] if history.trials else [Step(FULL, recipe=r, seed=3) for r in recipes]

    trials = work(bench(FAULTY), "24 trials", strategy=each).trials
    said = ("", "nan_loss", "", "it does not train", "it cannot be built", "")
    assert all(words in (t.cause or "") for words, t in zip(said, trials, strict=True))
    assert [t.state == "failed" for t in trials] == [fault != "sound" for fault in faults]


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
