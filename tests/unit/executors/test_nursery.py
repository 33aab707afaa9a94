"""A nursery imports once, and its workers start in milliseconds; what it cannot do is done anew."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.core import Stop
from luthier.executors.nursery import Nursery, nursery
from luthier.executors.processes import Processes

if sys.platform != "linux":
    pytest.skip("nurseries need Linux", allow_module_level=True)


def ready(made: Nursery) -> bool:
    while made.ready(1.0) is None:
        continue
    return made.ready(0.0)


def about(index: int, stop: Stop) -> tuple:
    import numpy

    drawn = (random.random(), float(numpy.random.rand()))
    time.sleep(0.2)  # so that the two are there at once
    return os.getppid(), os.sched_getaffinity(0), os.environ["OMP_NUM_THREADS"], drawn


def test_a_worker_is_the_nurserys_child_on_a_core_of_its_own_with_draws_of_its_own():
    with nursery(("numpy",)) as made:
        (one, other) = Processes(made).launch(about, 2)
        assert {one[0], other[0]} == {made.process.pid}
    assert len(one[1]) == len(other[1]) == 1
    assert one[2] == other[2] == "1"
    assert not set(one[3]) & set(other[3])


def test_what_it_imported_its_workers_have_and_nothing_of_what_another_one_did():
    def imported(index: int, stop: Stop) -> tuple[bool, bool, bool]:
        seen = ("wave" in sys.modules, hasattr(sys, "marked"), "torch" in sys.modules)
        sys.marked = True
        time.sleep(0.2)  # so that the two are there at once
        return seen

    with nursery(("wave", "no_such_module")) as made:
        assert Processes(made).launch(imported, 2) == [(True, False, False)] * 2


def test_a_library_is_loaded_beside_the_imports_and_one_that_is_missing_harms_nobody():
    def loaded(index: int, stop: Stop) -> tuple[bool, bool]:
        maps = Path("/proc/self/maps").read_text()
        return "_mt19937" in maps, "numpy" in sys.modules

    spec = importlib.util.find_spec("numpy")
    (library,) = (Path(spec.origin).parent / "random").glob("_mt19937*.so")
    with nursery(("wave",), ("/no/such/library.so", str(library)), ("json", "no_such")) as made:
        assert ready(made)
        assert Processes(made).launch(loaded, 1) == [(True, False)]


def test_what_can_wait_is_imported_while_workers_rest():
    def imported(index: int, stop: Stop) -> bool:
        return "wave" in sys.modules

    with nursery((), later=("no_such_module", "wave")) as made:
        assert Processes(made).launch(imported, 1) == [False]
        deadline = time.monotonic() + 60
        while Processes(made).launch(imported, 1) == [False]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert made.rested == 1


def pid(index: int, stop: Stop) -> tuple[int, bool]:
    return os.getpid(), stop.asked


def test_a_worker_that_has_done_its_work_rests_until_there_is_more():
    with nursery(()) as made:
        first = Processes(made).launch(pid, 1)
        assert made.rested == 1
        assert Processes(made).launch(pid, 1) == first
        assert first[0] in Processes(made).launch(lambda i, s: (time.sleep(0.2), pid(i, s))[1], 2)
        assert made.rested == 2
    with pytest.raises(ProcessLookupError):
        os.kill(first[0][0], 0)


def test_one_that_raised_works_again_and_one_that_was_asked_to_end_is_not_asked_any_more():
    def fail(index: int, stop: Stop) -> None:
        raise KeyError("here")

    def wait(index: int, stop: Stop) -> None:
        while not stop.asked:
            time.sleep(0.01)

    with nursery(()) as made:
        with pytest.raises(KeyError):
            Processes(made).launch(fail, 1)
        asked = Processes(made)
        asked.launch(wait, 1, watch=lambda: asked.stop(now=False))
        assert [stopped for _, stopped in Processes(made).launch(pid, 1)] == [False]
        assert made.rested == 1


def test_one_that_died_in_its_sleep_is_replaced():
    with nursery(()) as made:
        ((first, _),) = Processes(made).launch(pid, 1)
        os.kill(first, signal.SIGKILL)
        deaths = []
        ((other, _),) = Processes(made).launch(pid, 1, bury=deaths.append)
        assert other != first
        assert [death.cause for death in deaths] in ([], ["was killed (SIGKILL)"])


def test_those_that_rest_end_when_their_parent_is_killed(tmp_path: Path):
    (tmp_path / "script.py").write_text(
        "import os, time\n"
        "from pathlib import Path\n"
        "from luthier.executors import nursery\n"
        "from luthier.executors.processes import Processes\n"
        "with nursery(()) as made:\n"
        "    (pid,) = Processes(made).launch(lambda index, stop: os.getpid(), 1)\n"
        "    Path('new').write_text(str(pid))\n"
        "    Path('new').rename('pid')\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path)
    while not (tmp_path / "pid").exists():
        time.sleep(0.05)
    stat = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    assert living(stat)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 30
    while living(stat):
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)


def test_where_it_was_killed_workers_are_started_anew():
    with nursery(()) as made:
        assert ready(made)
        made.process.kill()
        made.process.wait()
        (found,) = Processes(made).launch(about, 1)
        assert found[0] == os.getpid()


def test_a_worker_outlives_it_and_is_asked_to_end_as_ever():
    def work(index: int, stop: Stop) -> str:
        os.kill(os.getppid(), signal.SIGKILL)
        while not stop.asked:
            time.sleep(0.01)
        return "asked"

    with nursery(()) as made:
        executor = Processes(made)
        assert executor.launch(work, 1, watch=lambda: executor.stop(now=False)) == ["asked"]


def test_one_with_threads_makes_no_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "starts_one.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with nursery(("starts_one",)) as made:
        assert not ready(made)
        assert Processes(made).launch(about, 1)[0][0] == os.getpid()


def test_it_leaves_no_process_and_no_open_file_behind():
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    with nursery(()) as made:
        Processes(made).launch(lambda index, stop: None, 2)
        pid = made.process.pid
    assert count() == before
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_in_the_midst_of_an_import_when_its_parent_is_killed(tmp_path: Path):
    (tmp_path / "slow.py").write_text("open('begun', 'w').close()\nimport time\ntime.sleep(60)")
    child = os.fork()
    if child == 0:
        try:
            os.chdir(tmp_path)
            sys.path.insert(0, str(tmp_path))
            made = Nursery.start(("slow",))
            (tmp_path / "pid").write_text(str(made.process.pid))
            time.sleep(60)
        finally:
            os._exit(0)
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    stat, deadline = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat"), time.monotonic() + 5
    while living(stat):
        assert time.monotonic() < deadline, "it goes on"
        time.sleep(0.05)


def living(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
