"""The laws of an executor. Subclass `ExecutorLaws`, override its fixture, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from luthier.core import Death, Executor, LuthierError, Stop, StudyNotFoundError
from luthier.testing.expect import same


def waits(index: int, stop: Stop) -> str:
    """Work until asked to end."""
    while not stop.asked:
        time.sleep(0.005)
    return "asked"


class ExecutorLaws:
    """What every executor keeps.

    A subclass overrides the fixtures `make` and, where it can run several, `workers`; an executor
    whose workers die alone overrides `mortal`, too.
    """

    @pytest.fixture
    def make(self) -> Callable[[], Executor]:
        """Return what makes an executor."""
        raise NotImplementedError("override the fixture `make`")

    @pytest.fixture
    def workers(self) -> int:
        """Return a number of workers that the executor can run."""
        return 1

    @pytest.fixture
    def mortal(self) -> bool:
        """Return whether a worker can die without taking everything along."""
        return False

    def test_every_worker_is_called_once_with_its_index(
        self, make: Callable[[], Executor], workers: int, tmp_path: Path
    ) -> None:
        def work(index: int, stop: Stop) -> tuple[int, bool]:
            with (tmp_path / str(index)).open("a") as file:
                file.write("called\n")
            return index * 10, stop.asked

        returned = make().launch(work, workers)
        same(list(returned), [(index * 10, False) for index in range(workers)])
        same(sorted(file.name for file in tmp_path.iterdir()), [str(i) for i in range(workers)])
        same({file.read_text() for file in tmp_path.iterdir()}, {"called\n"})

    def test_work_may_use_what_lies_around_it(self, make: Callable[[], Executor]) -> None:
        table, where = numpy.arange(6.0).reshape(2, 3), Path("somewhere")

        def total(index: int, stop: Stop) -> Any:
            return float(table.sum()), where / str(index), helper(index)

        same(list(make().launch(total, 1)), [(15.0, Path("somewhere/0"), "helped 0")])

    @pytest.mark.parametrize(
        ("kind", "arguments", "text"),
        [
            (KeyError, ("gone",), "'gone'"),
            (LuthierError, ("Type this.",), "Type this."),
            (StudyNotFoundError, ("a", "here"), "no study 'a' in here"),
        ],
    )
    def test_what_a_worker_raises_reaches_the_caller(
        self,
        make: Callable[[], Executor],
        workers: int,
        kind: type[Exception],
        arguments: tuple[str, ...],
        text: str,
    ) -> None:
        def work(index: int, stop: Stop) -> None:
            if index == 0:
                raise kind(*arguments)
            waits(index, stop)  # the others are asked to end

        with pytest.raises(LuthierError if issubclass(kind, LuthierError) else kind) as raised:
            make().launch(work, workers)
        same(str(raised.value).startswith(text), True)

    def test_asked_to_end_workers_end(self, make: Callable[[], Executor], workers: int) -> None:
        executor = make()
        timer = threading.Timer(0.2, lambda: executor.stop(now=False))
        timer.start()
        same(list(executor.launch(waits, workers)), ["asked"] * workers)

    @pytest.mark.parametrize("now", [False, True])
    def test_stopped_before_it_starts_none(
        self, make: Callable[[], Executor], workers: int, tmp_path: Path, now: bool
    ) -> None:
        executor = make()
        executor.stop(now=now)
        executor.launch(lambda index, stop: (tmp_path / str(index)).touch(), workers)
        same(list(tmp_path.iterdir()), [])

    def test_nobody_is_dead_who_ended_well(self, make: Callable[[], Executor]) -> None:
        executor = make()
        executor.launch(lambda index, stop: None, 1)
        same(dict(executor.dead()), {})

    def test_it_refuses_no_workers_in_words(self, make: Callable[[], Executor]) -> None:
        reason = make().refuses(0)
        same(reason is not None and "0 workers" in reason, True)
        with pytest.raises(LuthierError, match="0 workers"):
            make().launch(waits, 0)

    @pytest.mark.parametrize(
        ("end", "cause", "killed"),
        [
            (lambda: os.kill(os.getpid(), signal.SIGSEGV), "died of SIGSEGV", False),
            (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed (SIGKILL)", True),
            (lambda: os._exit(3), "ended itself with exit code 3", False),
            (lambda: os._exit(0), "ended itself with exit code 0", False),
        ],
        ids=["crash", "kill", "exit", "exit as if all were well"],
    )
    def test_a_dead_worker_is_named_and_replaced(
        self,
        make: Callable[[], Executor],
        mortal: bool,
        tmp_path: Path,
        end: Callable[[], None],
        cause: str,
        killed: bool,
    ) -> None:
        if not mortal:
            pytest.skip("a worker that dies takes this process along")

        def work(index: int, stop: Stop) -> str:
            first = not (tmp_path / "begun").exists()
            (tmp_path / "begun").touch()
            if first:
                end()
            return "done"

        executor, deaths = make(), list[Death]()
        same(list(executor.launch(work, 1, bury=deaths.append)), ["done"])
        same([(d.worker, d.cause, d.killed) for d in deaths], [(0, cause, killed)])
        same(dict(executor.dead()), {0: cause})

    def test_who_buries_may_end_it_all(
        self, make: Callable[[], Executor], workers: int, mortal: bool
    ) -> None:
        if not mortal:
            pytest.skip("a worker that dies takes this process along")

        def give_up(death: Death) -> None:
            raise LuthierError(f"the worker {death.cause}")

        def work(index: int, stop: Stop) -> None:
            if index == 0:
                os.abort()
            waits(index, stop)

        with pytest.raises(LuthierError, match="the worker died of SIGABRT"):
            make().launch(work, workers, bury=give_up)

    def test_stopped_at_once_no_worker_goes_on(
        self, make: Callable[[], Executor], workers: int, mortal: bool, tmp_path: Path
    ) -> None:
        if not mortal:
            pytest.skip("a worker that is killed takes this process along")

        def deaf(index: int, stop: Stop) -> None:
            (tmp_path / str(os.getpid())).touch()
            time.sleep(60)

        executor = make()

        def stop_once_all_have_begun() -> None:
            if len(list(tmp_path.iterdir())) == workers:
                executor.stop(now=True)

        began = time.monotonic()
        executor.launch(deaf, workers, watch=stop_once_all_have_begun)
        same(time.monotonic() - began < 50, True)
        for file in tmp_path.iterdir():
            with pytest.raises(ProcessLookupError):
                os.kill(int(file.name), 0)


def helper(index: int) -> str:
    """Help, from a place that a worker must find, too."""
    return f"helped {index}"
