"""The laws of copied trials, which population-based training makes: see `StorageLaws`."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import pytest

from luthier.core import Recipe, Step, Storage
from luthier.testing.expect import same
from luthier.testing.storage import take
from luthier.testing.studies import STUDY, epoch_of, epochs, new_steps, state_after, study_record


class CopyLaws:
    """What every storage keeps of trials that begin as copies.

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

    def test_a_copy_has_its_parents_epochs_state_and_engine(self, study: Storage) -> None:
        claim = take(study)
        study.assign(STUDY, claim.trial.number, "compiled")
        study.advance(STUDY, claim, epochs(1, 2), state_after(2), seconds=1.0)
        study.finish(STUDY, claim, "paused")
        parent = (claim.trial.number, 2)
        study.plan(STUDY, 1, [Step(9, recipe=Recipe(beta1=0.8), parent=parent)])
        history = study.history(STUDY)
        child, its = history.trials[3], history.trials[parent[0]]
        same((child.parent, child.engine, child.stored), (parent, "compiled", True))
        same((child.curves, child.epochs, child.copied), (its.curves, 2, 2))
        same(history.epochs, 2)
        for _ in range(2):
            take(study)
        copied = take(study)
        same(copied.trial.number, 3)
        same(epoch_of(copied.state), 2)
        study.advance(STUDY, copied, epochs(3), state_after(3), seconds=1.0)
        same([t.epochs for t in study.history(STUDY).trials], [2, 0, 0, 3])

    def test_a_copy_of_a_state_that_is_gone_starts_from_nothing(self, study: Storage) -> None:
        study.plan(STUDY, 1, [Step(9, recipe=Recipe(), parent=(1, 2))])
        child = study.history(STUDY).trials[3]
        same((child.parent, child.epochs, child.copied), (None, 0, 0))
