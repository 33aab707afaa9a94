"""Workers in fresh processes: what they get, where they run, and what they leave behind."""

import gc
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from luthier.core import LuthierError, Stop
from luthier.executors.crossing import pack_outcome, unpack_outcome
from luthier.executors.processes import Processes

WIDTH = 7


class Local:
    """A class that no other process can import."""

    def __init__(self, width: int) -> None:
        self.width = width


def test_functions_and_classes_of_this_file_go_along():
    def work(index: int, stop: Stop) -> int:
        return Local(WIDTH).width

    assert Processes().launch(work, 1) == [7]


def test_each_has_a_core_and_a_thread_and_no_more_imports_than_it_needs():
    def work(index: int, stop: Stop) -> tuple:
        heavy = {"torch", "numpy", "sqlalchemy", "polars"} & set(sys.modules)
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
        return cores, os.environ["OMP_NUM_THREADS"], heavy

    def bare(function):
        function.__globals__.setdefault("os", os)
        return function

    seen = Processes().launch(bare(work), 2)
    assert all(len(cores) == 1 for cores, _, _ in seen)
    assert {threads for _, threads, _ in seen} == {"1"}
    assert all(heavy == set() for _, _, heavy in seen)


def test_more_workers_than_cores_are_told_of_in_one_line(caplog: pytest.LogCaptureFixture):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with caplog.at_level(logging.WARNING):
        Processes().launch(lambda index, stop: None, cores + 1)
    assert caplog.messages == [
        f"{cores + 1} workers share {cores} core{'s' * (cores > 1)}: more than one a core makes "
        "a search no faster"
    ]


@pytest.mark.parametrize("what", [threading.Lock(), (n for n in range(3))], ids=["lock", "gen"])
def test_what_cannot_be_sent_is_told_with_what_to_do(what: object):
    with pytest.raises(LuthierError, match=r"cannot be sent .* Open them inside of it, or leave"):
        Processes().launch(lambda index, stop: what, 1)


def test_a_script_needs_no_guard_around_its_main_part(tmp_path: Path):
    (tmp_path / "script.py").write_text(
        "from luthier.executors.processes import Processes\n"
        "print('begun')\n"
        "def double(x):\n    return 2 * x\n"
        "print(Processes().launch(lambda index, stop: double(index + 1), 2))\n"
    )
    ran = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "begun\n[2, 4]\n", ran.stderr


def test_what_a_worker_prints_is_no_result_of_the_command(capfd: pytest.CaptureFixture[str]):
    Processes().launch(lambda index, stop: print("built"), 1)
    assert capfd.readouterr() == ("", "built\n")


def test_it_leaves_no_open_file_behind():
    def count() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    before = count()
    Processes().launch(lambda index, stop: None, 1)
    assert count() == before


def test_workers_end_when_their_parent_is_killed(tmp_path: Path):
    (tmp_path / "script.py").write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "from luthier.executors.processes import Processes\n"
        "def work(index, stop):\n"
        "    Path(f'pid-{os.getpid()}').touch()\n"
        "    time.sleep(60)\n"
        "Processes().launch(work, 2)\n"
    )
    parent = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path)
    while len(pids := [int(f.name[4:]) for f in tmp_path.glob("pid-*")]) < 2:
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 3
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class TestOutcome:
    def test_an_error_of_a_kind_that_does_not_travel_is_put_in_words(self):
        class Odd(Exception):
            def __init__(self, a: int, b: int) -> None:
                super().__init__(f"{a} and {b}")
                self.lock = threading.Lock()

        value, error = unpack_outcome(pack_outcome(None, Odd(1, 2)))
        assert value is None
        assert (type(error), str(error)) == (RuntimeError, "Odd: 1 and 2")

    def test_where_it_was_raised_goes_along(self):
        try:
            raise ValueError("here")
        except ValueError as raised:
            _, error = unpack_outcome(pack_outcome(None, raised))
        assert "where_it_was_raised" in error.__notes__[0]

    @pytest.mark.parametrize("cut", [0, 1, -1])
    def test_what_a_death_cut_short_is_nothing(self, cut: int):
        assert unpack_outcome(pack_outcome([1, 2, 3], None)[:cut]) is None
