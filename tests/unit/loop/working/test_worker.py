"""A worker spends a budget, survives its trials, and leaves nothing that cannot go on."""

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from luthier.core import Categorical, Float, History, LuthierError, Step
from luthier.loop.working import worker
from luthier.loop.working.interrupt import Stop
from luthier.loop.working.worker import GIVE_UP, LEASE, release_dead, worker_name

FULL = 6
FAULTY = {
    "learning_rate": Float(1e-3, 1e-1, log=True),
    "model.fault": Categorical("sound", "raises", "nan", "out of memory", "never built"),
}


@pytest.fixture
def study(bench: Callable[..., Any]) -> Any:
    return bench()


@pytest.fixture(scope="module")
def undisturbed(bench: Callable[..., Any]) -> Any:
    study = bench()
    study.run("20 epochs")
    return study


@pytest.fixture(scope="module")
def faulty(bench: Callable[..., Any]) -> History:
    return bench(FAULTY).run("24 trials")


class TestBudget:
    @pytest.mark.parametrize("epochs", [1, FULL, FULL + 1, 25])
    def test_epochs_are_spent_to_the_last_and_never_exceeded(self, study: Any, epochs: int):
        seen: list[int] = []
        study.worker(f"{epochs} epochs", lambda history: seen.append(history.epochs)).run()
        assert study.history.epochs == epochs
        assert max(seen) == epochs

    def test_trials_are_started_and_ended(self, study: Any):
        history = study.run("5 trials")
        assert len(history.trials) == 5
        assert history.counts()["waiting"] == history.counts()["running"] == 0
        assert history.best.state == "finished"

    def test_a_larger_budget_goes_on_where_a_smaller_one_ended(self, study: Any, bench: Any):
        study.run("8 epochs")
        study.run("16 epochs")
        assert study.history.epochs == 16
        assert study.history.trials[0].epochs == FULL

    def test_a_budget_that_is_spent_trains_nothing(self, study: Any):
        before = study.run("10 epochs")
        assert study.run("10 epochs").epochs == study.run("3 epochs").epochs == before.epochs

    def test_a_step_planned_under_a_larger_budget_ends_with_the_smaller_one(self, study: Any):
        stop = Stop()
        study.worker("40 epochs", lambda history: setattr(stop, "asked", True), stop).run()
        study.storage.plan("study", 0, [Step(FULL, recipe=study.record.space.baseline)])
        assert study.run("4 epochs").epochs == 4

    def test_time_that_is_over_ends_a_step_after_its_epoch(
        self, bench: Any, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(worker, "STORE_EVERY", 0.0)
        study = bench(epochs=5_000)
        history = study.run("0.001s")
        assert history.epochs == 1
        assert history.trials[0].state == "paused"

    def test_a_space_that_is_used_up_ends_the_search(self, bench: Any):
        history = bench({"momentum": Categorical(0.5, 0.9)}).run("1000 epochs")
        assert [trial.recipe.momentum for trial in history.trials] == [0.5, 0.9]

    def test_who_watches_is_told_what_is_left(self, study: Any):
        seen: list[History] = []
        study.worker("10 epochs", seen.append).run()
        assert seen[0].epochs_left == 10
        assert seen[-1].epochs_left == 0


class TestBaseline:
    def test_it_comes_first_and_runs_to_its_end(self, undisturbed: Any):
        first = undisturbed.history.trials[0]
        assert first.recipe == undisturbed.record.space.baseline
        assert (first.state, first.epochs, first.seed) == ("finished", FULL, 0)


class TestEngine:
    def test_it_is_stored_with_every_trial(self, undisturbed: Any):
        assert {trial.engine for trial in undisturbed.history.trials} == {"torch_eager"}

    def test_a_trial_of_another_engine_is_left_to_it(self, study: Any):
        study.storage.plan("study", 0, [Step(FULL, recipe=study.record.space.baseline)])
        study.storage.assign("study", 0, "compiled")
        with pytest.raises(LuthierError) as raised:
            study.run("6 epochs")
        assert str(raised.value) == (
            "trial 0 began on the engine compiled, and this worker trains with torch_eager. "
            "Go on with: --engine compiled"
        )
        assert study.history.trials[0].state == "waiting"


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "cause", "epochs"),
        [
            ("raises", "ValueError: it does not train", 0),
            ("nan", "nan_loss: the loss is not a number after epoch 1", 1),
            ("out of memory", "out_of_memory: DefaultCPUAllocator: can't allocate memory", 0),
            ("never built", "raised TypeError: it cannot be built", 0),
        ],
    )
    def test_a_trial_that_fails_is_recorded_with_its_cause(
        self, faulty: History, fault: str, cause: str, epochs: int
    ):
        failed = [t for t in faulty.trials if t.recipe.get("model.fault") == fault]
        assert failed
        assert {trial.state for trial in failed} == {"failed"}
        assert all(cause in trial.cause for trial in failed)
        assert {trial.epochs for trial in failed} == {epochs}

    def test_the_study_goes_on(self, faulty: History):
        sound = [t for t in faulty.trials if t.recipe.get("model.fault") == "sound"]
        assert len(faulty.trials) == 24
        assert len(sound) > 2
        assert faulty.best.recipe.get("model.fault") == "sound"


class TestGivingUp:
    @pytest.fixture
    def hopeless(self, bench: Any) -> Any:
        ranges = {"learning_rate": FAULTY["learning_rate"], "model.fault": Categorical("raises")}
        return bench(ranges)

    def test_after_many_trials_without_an_epoch_it_tells_the_last_cause(self, hopeless: Any):
        with pytest.raises(LuthierError) as raised:
            hopeless.run("1000 epochs")
        assert str(raised.value) == (
            f"the last {GIVE_UP} trials ended before their first epoch; the last one: "
            "ValueError: it does not train. Mend that, and run the same command again."
        )
        assert hopeless.history.counts()["failed"] == GIVE_UP
        # It leaves no step and no thread behind.
        assert hopeless.storage.workers("study") == []
        assert "luthier-lease" not in [thread.name for thread in threading.enumerate()]

    def test_the_same_command_goes_on_once_it_is_mended(self, hopeless: Any):
        with pytest.raises(LuthierError):
            hopeless.run("1000 epochs")
        # What was wrong lay outside, and is not any more: trials of old do not count.
        with pytest.raises(LuthierError):
            hopeless.run("1000 epochs")
        assert hopeless.history.counts()["failed"] == 2 * GIVE_UP


class TestStop:
    def stopped(self, study: Any, after: int) -> None:
        """Run a study that someone asks to stop after some epochs."""
        stop = Stop()

        def ask(history: History) -> None:
            stop.asked = stop.asked or history.epochs >= after

        study.worker("20 epochs", ask, stop).run()

    @pytest.mark.parametrize("after", [1, 7, 15])
    def test_it_ends_after_the_epoch_and_goes_on_bit_for_bit(
        self, study: Any, undisturbed: Any, after: int, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(worker, "STORE_EVERY", 0.0)
        self.stopped(study, after)
        assert study.history.epochs == after
        study.run("20 epochs")
        assert study.values() == undisturbed.values()

    def test_the_step_is_given_back(self, study: Any, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(worker, "STORE_EVERY", 0.0)
        self.stopped(study, 3)
        assert study.storage.workers("study") == []
        assert study.history.trials[0].state == "waiting"
        assert study.history.trials[0].stored

    def test_asked_before_it_begins_it_trains_nothing(self, study: Any):
        study.worker("40 epochs", stop=Stop(asked=True)).run()
        assert study.history.trials == ()


def dead() -> int:
    """Return the number of a process that has ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


class TestAPersonElsewhere:
    def test_who_asks_for_a_stop_ends_the_worker_after_its_epoch(self, study: Any, undisturbed):
        def ask(history: History) -> None:
            if history.epochs == 8 and not history.stops:
                study.storage.ask_to_stop("study")

        study.worker("20 epochs", ask).run()
        assert study.history.epochs in (8, 9)
        study.run("20 epochs")  # whoever comes later was not meant
        assert study.values() == undisturbed.values()

    def test_who_ends_a_trial_ends_it_while_it_trains(self, study: Any):
        def cut(history: History) -> None:
            if any(t.state == "running" and t.number == 1 for t in history.trials):
                study.storage.prune("study", 1, "stopped by hand")

        study.worker("20 epochs", cut).run()
        trials = study.history.trials
        assert (trials[1].state, trials[1].cause) == ("pruned", "stopped by hand")
        assert study.history.epochs == 20


class TestDeadWorkers:
    HERE = socket.gethostname()

    def held_by(self, study: Any, name: str) -> None:
        study.storage.plan("study", 0, [Step(FULL, recipe=study.record.space.baseline)])
        assert study.storage.claim("study", name, LEASE) is not None

    @pytest.mark.parametrize(
        "name",
        [f"{HERE}:{dead()}:123:0", f"{HERE}:{os.getpid()}:1:0"],
        ids=["no such process", "another process of the same number"],
    )
    def test_what_a_dead_one_held_is_given_back(self, study: Any, name: str):
        self.held_by(study, name)
        release_dead(study.storage, "study")
        assert study.storage.workers("study") == []
        assert study.run("6 epochs").trials[0].state == "finished"

    @pytest.mark.parametrize(
        "name",
        ["elsewhere:1:123:0", worker_name(3), f"elsewhere:80:{dead()}:123:0"],
        ids=["another machine", "alive", "a name with a colon"],
    )
    def test_what_others_hold_stays_theirs(self, study: Any, name: str):
        self.held_by(study, name)
        release_dead(study.storage, "study")
        assert study.storage.workers("study") == [name]

    def test_a_name_tells_workers_of_one_process_apart(self):
        assert worker_name(0) == worker_name(0) != worker_name(1)


class TestLease:
    OTHER = "elsewhere:1:123:0"

    def test_a_step_whose_lease_ran_out_is_taken(self, study: Any):
        study.storage.plan("study", 0, [Step(FULL, recipe=study.record.space.baseline)])
        study.storage.claim("study", self.OTHER, LEASE)
        study.now[0] += LEASE + 1
        assert study.run("6 epochs").trials[0].state == "finished"

    def test_a_worker_that_lost_its_step_turns_to_other_work(
        self, study: Any, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(worker, "STORE_EVERY", 0.0)
        stop, seen = Stop(), []

        def lose(history: History) -> None:
            if history.epochs == 2 and not seen:
                study.now[0] += LEASE + 1
                assert study.storage.claim("study", self.OTHER, LEASE).trial.number == 0
            if history.epochs >= 2:
                seen.append(history.epochs)
            stop.asked = len(history.trials) > 1 and history.trials[-1].state == "running"

        study.storage.plan("study", 0, [Step(FULL, recipe=study.record.space.baseline)])
        study.worker("40 epochs", lose, stop).run()
        trial = study.history.trials[0]
        assert (trial.epochs, trial.state) == (2, "running")
        assert study.storage.workers("study") == [self.OTHER]
        # It tried once more to store, saw that it had lost, and planned something else.
        assert seen.count(2) <= 5
