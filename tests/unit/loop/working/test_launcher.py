"""Workers of one launch know what those of the launch before found out about engines."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luthier.core import CaptureError, Signature
from luthier.loop.assembly import assemble
from luthier.loop.record import study_record
from luthier.loop.training.choice import COMPILED
from luthier.loop.training.known import Known
from luthier.loop.working.budget import Budget
from luthier.loop.working.following import Following
from luthier.loop.working.launcher import Launcher
from luthier.loop.working.work import Told, Work
from luthier.storage import connect

STRUCTURE = Signature("net", "adam", "", "mse", 32, "float32", "xy")


@pytest.fixture
def work(data: Any) -> Callable[[str], Work]:
    """Return what makes work on a family's networks, which another process can be sent."""

    def make(storage: str) -> Work:
        parts = assemble("mlp", data, recipe={"epochs": 2})
        budget = Budget(trials=2)
        record = study_record(
            parts, "study", stored=None, recipe=None, space=None, budget=budget, seed=0
        )
        store = connect(storage)
        store.open(record)
        return Work(record, store, "random", budget, "torch_eager", parts)

    return make


def test_what_is_known_goes_along_with_the_work(work: Any, tmp_path: Any):
    sent = work(f"sqlite:///{tmp_path}/study.db")
    known = Known({STRUCTURE: "native"}, (0.3,), 33, 0.01, {}, ((0.001, 0.01),), ("why",))
    sent.learn(known)
    arrived = pickle.loads(pickle.dumps(sent))
    assert arrived.trainer.choice.known == known
    assert replace(arrived, budget=Budget(trials=1)).trainer is arrived.trainer


def test_a_process_that_works_again_keeps_what_it_has_prepared(work: Any, tmp_path: Any):
    sent = work(f"sqlite:///{tmp_path}/study.db")
    first = pickle.loads(pickle.dumps(sent))
    again = pickle.loads(pickle.dumps(replace(sent, budget=Budget(trials=1))))
    assert again.parts is first.parts
    assert again.trainer is first.trainer
    assert again.budget != first.budget
    other = pickle.loads(pickle.dumps(replace(sent, parts=replace(sent.parts, key="other"))))
    assert other.parts is not first.parts


def test_who_has_chosen_first_has_chosen():
    mine, theirs = Known({STRUCTURE: "native"}), Known({STRUCTURE: "compiled"})
    assert mine.merge(theirs).chosen == {STRUCTURE: "native"}
    assert Known().merge(theirs).chosen == {STRUCTURE: "compiled"}


def test_what_everyone_remarks_is_told_once(work: Any):
    made = work("sqlite://")
    launch = Launcher(made.storage, "local", 1)
    launch.remarks += ["baseline: it says so"]
    assert launch(made)
    for told in (Told((f"{COMPILED}one structure: 1 ms",), Known()), Told(("why",), Known())):
        for line in told.remarks * 2:
            launch._note(line)
    launch._note(f"{COMPILED}one structure: 2 ms")
    assert launch.remarks == ["baseline: it says so", f"{COMPILED}one structure: 1 ms", "why"]


def test_what_is_wrong_with_a_network_its_first_trial_tells(
    work: Any, monkeypatch: pytest.MonkeyPatch
):
    made = work("sqlite://")
    trainer = made.trainer

    def broken(*_: object, **__: object) -> None:
        raise CaptureError("it cannot be built")

    monkeypatch.setattr(trainer.framework, "capture", broken)
    trainer.foresee(made.study.space.baseline, 0)
    assert trainer.choice.known == Known()


def test_whoever_follows_has_what_the_storage_has(work: Any):
    made = work("sqlite://")
    following = Following(made.storage)
    assert following.history("study").trials == ()
    Launcher(made.storage, "local", 1)(made)
    assert following.history("study") == made.storage.history("study")
    assert len(following.history("study").trials) == 2
