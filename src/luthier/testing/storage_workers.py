"""The laws of a storage that several workers share: their deaths, their time, what they hold."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import time
from dataclasses import replace

import pytest

from luthier.core import Storage
from luthier.testing.expect import same
from luthier.testing.storage import take, train
from luthier.testing.studies import STUDY, epochs, new_steps, state_after, study_record


class SharedStorageLaws:
    """What every storage keeps for workers beside each other.

    A subclass overrides the fixture `storage` with a new, empty one.
    """

    @pytest.fixture
    def storage(self) -> Storage:
        """Return a new, empty storage."""
        raise NotImplementedError("override the fixture `storage`")

    @pytest.fixture
    def study(self, storage: Storage) -> Storage:
        """Return a storage with one study that has three trials waiting."""
        storage.open(study_record())
        storage.plan(STUDY, 0, new_steps(3))
        return storage

    def test_a_storage_tells_what_a_worker_holds(self, study: Storage) -> None:
        for worker in ("ada", "bob", "ada"):
            take(study, worker)
        same([list(study.held(STUDY, name)) for name in ("ada", "bob", "cyd")], [[0, 2], [1], []])

    def test_what_killed_a_worker_is_its_trials_cause(self, study: Storage) -> None:
        claim = take(study, "ada")
        train(study, claim, until=1)
        take(study, "bob")
        study.release(STUDY, "ada", "the worker died of SIGSEGV while training it")
        trials = study.history(STUDY).trials
        same([trial.state for trial in trials], ["failed", "running", "waiting"])
        same(trials[0].cause, "the worker died of SIGSEGV while training it")
        same((trials[0].epochs, list(study.workers(STUDY))), (1, ["bob"]))
        same(study.finish(STUDY, claim, "finished"), False)

    def test_a_step_that_is_declined_waits_as_before(self, study: Storage) -> None:
        for _ in range(100):  # it never counts as a death
            claim = take(study)
            same(claim.trial.number, 0)
            study.decline(STUDY, claim)
        same([t.state for t in study.history(STUDY).trials], ["waiting"] * 3)
        same(list(study.workers(STUDY)), [])

    def test_time_that_workers_spend_beside_each_other_counts_once(self, study: Storage) -> None:
        for worker in ("ada", "bob", "cyd"):
            claim = take(study, worker)
            study.advance(STUDY, claim, epochs(1), state_after(1), seconds=5.0)
        same(5.0 <= study.history(STUDY).seconds < 10.0, True)

    def test_time_that_one_worker_spends_counts_in_full(self, study: Storage) -> None:
        claim = take(study)
        for epoch in (1, 2, 3):
            time.sleep(0.02)
            study.advance(STUDY, claim, epochs(epoch), state_after(epoch), seconds=0.02)
        same(round(study.history(STUDY).seconds, 6), 0.06)

    def test_a_step_may_end_with_its_last_epochs(self, study: Storage) -> None:
        claim, outcome = take(study), ("failed", "nan_loss")
        before = study.history(STUDY)
        same(study.advance(STUDY, claim, epochs(1, 2), None, seconds=0.0, outcome=outcome), True)
        after = study.history(STUDY)
        same(before.merge(study.history(STUDY, before.changed)), after)
        trial = after.trials[0]
        same((trial.state, trial.cause, trial.curves), (*outcome, epochs(1, 2)))
        same(list(study.workers(STUDY)), [])
        same(study.finish(STUDY, claim, "paused"), False)

    def test_a_step_that_was_lost_does_not_end(self, study: Storage) -> None:
        claim, outcome = take(study), ("finished", None)
        study.release(STUDY, "ada")
        state = state_after(1)
        same(study.advance(STUDY, claim, epochs(1), state, seconds=0.0, outcome=outcome), False)
        trial = study.history(STUDY).trials[0]
        same((trial.state, trial.epochs), ("waiting", 0))

    def test_a_study_tells_what_its_newest_command_said(self, study: Storage) -> None:
        about = {"data": "elsewhere.csv", "budget": {"epochs": 600}}
        newest = replace(study_record(), about=about)
        same(study.open(newest).about, about)
        same(study.record(STUDY), newest)
