"""The local executor runs one worker, here and now."""

import pytest

from luthier import executors
from luthier.core import Executor, LuthierError
from luthier.executors.local import Local


def test_the_worker_gets_the_index_0():
    seen: list[int] = []
    Local().launch(seen.append, workers=1)
    assert seen == [0]


@pytest.mark.parametrize("workers", [0, 2])
def test_it_has_room_for_one_worker_alone(workers: int):
    seen: list[int] = []
    with pytest.raises(LuthierError, match=f"got {workers} workers, and runs one"):
        Local().launch(seen.append, workers)
    assert seen == []


def test_what_a_worker_raises_reaches_the_caller():
    def work(index: int) -> None:
        raise KeyError(index)

    with pytest.raises(KeyError):
        Local().launch(work, workers=1)


def test_stopped_it_starts_none():
    local, seen = Local(), []
    local.stop(now=False)
    local.launch(seen.append, workers=1)
    assert seen == []


def test_nobody_dies_alone():
    assert Local().dead() == {}


@pytest.mark.parametrize("name", executors.NAMES)
def test_every_name_is_an_executor(name: str):
    executor: Executor = executors.load(name)
    assert executor.dead() == {}


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(LuthierError, match=r"no executor 'locl'\. Did you mean 'local'"):
        executors.load("locl")
