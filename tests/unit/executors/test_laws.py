"""Every executor keeps the laws."""

from collections.abc import Callable, Iterator

import pytest

from luthier import executors
from luthier.core import Executor, LuthierError
from luthier.executors import nursery
from luthier.executors.local import Local
from luthier.executors.processes import Processes
from luthier.testing.executors import ExecutorLaws


class TestLocal(ExecutorLaws):
    @pytest.fixture
    def make(self) -> Callable[[], Executor]:
        return Local


class TestProcesses(ExecutorLaws):
    @pytest.fixture
    def make(self) -> Callable[[], Executor]:
        return Processes

    @pytest.fixture
    def workers(self) -> int:
        return 2

    @pytest.fixture
    def mortal(self) -> bool:
        return True


class TestProcessesOfANursery(ExecutorLaws):
    @pytest.fixture
    def make(self) -> Iterator[Callable[[], Executor]]:
        with nursery(()) as made:
            while made is not None and made.ready(1.0) is None:
                continue
            yield lambda: Processes(made)

    @pytest.fixture
    def workers(self) -> int:
        return 2

    @pytest.fixture
    def mortal(self) -> bool:
        return True


@pytest.mark.parametrize("name", executors.NAMES)
def test_every_name_is_an_executor(name: str):
    assert executors.load(name).dead() == {}


@pytest.mark.parametrize(
    ("name", "workers", "kind"),
    [("auto", 1, Local), ("auto", 2, Processes), ("processes", 1, Processes)],
)
def test_auto_takes_what_suits_the_number_of_workers(name: str, workers: int, kind: type):
    assert type(executors.load(name, workers)) is kind


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(LuthierError, match=r"no executor 'locl'\. Did you mean 'local'"):
        executors.load("locl")


def test_a_number_of_workers_that_does_not_fit_is_told_with_what_to_type():
    with pytest.raises(LuthierError, match="runs one: it is this process"):
        executors.load("local", 2)
