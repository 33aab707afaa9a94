"""The overseer fails what killed a worker, gives back what was killed with it, and gives up."""

import os
import socket
from typing import Any

import pytest

from luthier.core import Death, History, LuthierError, Step
from luthier.loop.working.budget import Budget
from luthier.loop.working.overseer import KILLED, STILLBORN, Overseer
from luthier.loop.working.worker import GIVE_UP, LEASE, is_of, worker_name
from luthier.storage import connect
from luthier.testing.studies import epochs, new_steps, state_after, study_record

STUDY = "digits"


def name(process: int, index: int = 0) -> str:
    return f"{socket.gethostname()}:{process}:77:{index}"


def crash(process: int) -> Death:
    return Death(0, process, "died of SIGSEGV", killed=False)


def kill(process: int) -> Death:
    return Death(0, process, "was killed (SIGKILL)", killed=True)


@pytest.fixture
def storage() -> Any:
    storage = connect("sqlite://")
    storage.open(study_record())
    storage.plan(STUDY, 0, new_steps(40, until=9))
    return storage


@pytest.fixture
def overseer(storage: Any) -> Overseer:
    return Overseer(STUDY, storage, Budget(epochs=100))


def states(storage: Any, count: int = 3) -> list[str]:
    return [trial.state for trial in storage.history(STUDY).trials[:count]]


def test_a_crash_fails_the_trial_that_the_worker_held_and_no_other(storage, overseer):
    for process in (11, 12, 13):
        storage.claim(STUDY, name(process), LEASE)
    overseer.bury(crash(12))
    assert states(storage) == ["running", "failed", "running"]
    cause = storage.history(STUDY).trials[1].cause
    assert cause == "the worker died of SIGSEGV while training it"
    assert storage.workers(STUDY) == [name(11), name(13)]


def test_a_kill_gives_the_trial_back_until_it_is_one_too_many(storage, overseer):
    for process in range(KILLED):
        assert storage.claim(STUDY, name(process), LEASE).trial.number == 0
        assert states(storage, 1) == ["running"]
        overseer.bury(kill(process))
    trial = storage.history(STUDY).trials[0]
    assert trial.state == "failed"
    assert trial.cause.startswith("out_of_memory?: 3 workers in a row were killed at epoch 1, ")


def test_kills_at_different_epochs_are_not_the_trials_doing(storage, overseer):
    for epoch in range(1, 2 * KILLED):
        claim = storage.claim(STUDY, name(epoch), LEASE)
        storage.advance(STUDY, claim, epochs(epoch), state_after(epoch), seconds=0.0)
        overseer.bury(kill(epoch))
    trial = storage.history(STUDY).trials[0]
    assert (trial.state, trial.epochs) == ("waiting", 2 * KILLED - 1)


def test_many_deaths_without_an_epoch_between_end_it(storage, overseer):
    for process in range(GIVE_UP - 1):
        storage.claim(STUDY, name(process), LEASE)
        overseer.bury(crash(process))
    storage.claim(STUDY, name(99), LEASE)
    with pytest.raises(LuthierError) as raised:
        overseer.bury(crash(99))
    assert str(raised.value) == (
        f"the last {GIVE_UP} workers died without an epoch between; the last one died of SIGSEGV. "
        "Mend that, and run the same command again."
    )
    assert storage.history(STUDY).counts()["failed"] == GIVE_UP


def test_an_epoch_between_clears_the_count(storage, overseer):
    for process in range(2 * GIVE_UP):
        if process % 10 == 9:
            claim = storage.claim(STUDY, name(1000 + process), LEASE)
            storage.advance(STUDY, claim, epochs(1), state_after(1), seconds=0.0)
            storage.finish(STUDY, claim, "paused")
        if storage.claim(STUDY, name(process), LEASE) is None:
            break
        overseer.bury(crash(process))


def test_workers_that_never_take_on_a_trial_end_it_sooner(overseer):
    for process in range(STILLBORN - 1):
        overseer.bury(crash(process))
    with pytest.raises(LuthierError, match=r"^3 workers in a row ended before they took on"):
        overseer.bury(crash(9))


def test_a_wish_to_stop_from_elsewhere_interrupts_like_ctrl_c(storage, overseer):
    class Launches:
        asked = False

        def launch(self, work, workers, *, watch, bury):
            watch()
            before = self.asked
            storage.ask_to_stop(STUDY)
            watch()
            return [before, self.asked]

        def stop(self, *, now):
            self.asked = not now

    assert overseer.run(Launches(), None, 1) == [False, True]
    assert overseer.interrupted


def test_who_watches_is_told_what_is_left(storage):
    seen: list[History] = []
    Overseer(STUDY, storage, Budget(epochs=400), seen.append).look()
    assert (seen[0].epochs_left, len(seen[0].trials)) == (400 - 40 * 9, 40)


def test_a_name_tells_its_process():
    assert is_of(worker_name(3), os.getpid())
    assert not is_of(worker_name(3), os.getpid() + 1)
    assert not is_of(f"elsewhere:{os.getpid()}:1:0", os.getpid())


class TestBudgetsThatOthersPlannedUnder:
    """Two workers never train more than the budget, whoever planned how much."""

    def test_a_step_is_shortened_by_what_another_has_taken_on(self, bench: Any):
        study = bench()
        baseline = study.record.space.baseline
        study.storage.plan("study", 0, [Step(6, recipe=baseline), Step(6, recipe=baseline)])
        other = study.storage.claim("study", "elsewhere:1:1:0", LEASE)
        seen: list[int] = []

        def notify(history: History) -> None:
            mine = history.trials[1]
            seen.append(mine.epochs)
            assert len(seen) < 200, "it goes on for ever"
            if mine.state == "paused" and other is not None:
                study.storage.finish("study", other, "pruned")

        study.worker("10 epochs", notify).run()
        # Six epochs were another's when it began, so four were left; then all the rest.
        assert 4 in seen
        assert study.history.epochs == 10

    def test_with_nothing_left_it_waits_and_loses_no_step(self, bench: Any):
        study = bench()
        baseline = study.record.space.baseline
        study.storage.plan("study", 0, [Step(6, recipe=baseline), Step(6, recipe=baseline)])
        other = study.storage.claim("study", "elsewhere:1:1:0", LEASE)
        looks: list[str] = []

        def notify(history: History) -> None:
            looks.append(history.trials[1].state)
            assert len(looks) < 200, "it goes on for ever"
            if len(looks) == 50:
                study.storage.finish("study", other, "pruned")

        study.worker("6 epochs", notify).run()
        assert study.history.trials[1].epochs == 6
        assert study.history.trials[1].cause is None
