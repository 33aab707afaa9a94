"""What runs in a nursery: it imports, then copies itself for each worker that is asked for."""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from luthier.executors import child
from luthier.executors.messages import MESSAGE, READY

_FILES = ("work", "control", "outcome")
JOINED = 1.0  # seconds: what loads a library is done when it was imported, others may never be
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux' prctl


def main(order: Mapping[str, Any]) -> None:
    """Import, tell whether all is well, and do what is asked until the parent closes the line.

    Args:
        order: Number of the open ``line``; ``modules`` to import, and those that can wait until
            ``later``; number of the ``parent``.
    """
    child.leave_interrupts_to_the_parent()
    _end_with(order["parent"])
    with socket.socket(fileno=order["line"]) as line:
        line.set_inheritable(False)
        gc.disable()  # imports leave next to nothing behind, and looking for it takes a tenth
        for module in order["modules"]:
            with suppress(Exception):  # a worker comes across it, and has someone to tell
                importlib.import_module(module)
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(JOINED)
        alone = len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names are enough
        line.send(READY if alone else b"threads were started: they would not be copied")
        gc.freeze()  # what stays untouched is shared by all workers, and none looks through it
        gc.enable()
        later, begun = list(order["later"]), False  # the first worker is waited for
        while alone:
            while begun and later and not select.select([line], [], [], 0)[0]:
                with suppress(Exception):
                    importlib.import_module(later[0])
                del later[0]
            text, files, _, _ = socket.recv_fds(line, MESSAGE, len(_FILES))
            if not text:
                return
            line.send(str(_answer(json.loads(text), files, line, later)).encode())
            begun = True


def _answer(
    wish: Mapping[str, Any], files: Sequence[int], line: socket.socket, later: Sequence[str]
) -> int:
    if "order" in wish:
        pid = os.fork()
        if pid == 0:
            worker = {**wish["order"], **dict(zip(_FILES, files, strict=True))}
            _become_a_worker(worker, line, later)
        for file in files:
            os.close(file)
        return pid
    if "code" in wish:
        ended = os.waitid(os.P_PID, wish["code"], os.WEXITED | os.WNOWAIT)
        if ended is None:
            return -signal.SIGKILL
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    return os.waitpid(wish["forget"], 0)[0]


def _become_a_worker(order: Mapping[str, Any], line: socket.socket, later: Sequence[str]) -> None:
    """Work as a fresh process would, and never return."""
    code = 1
    try:
        line.close()
        if "numpy" in sys.modules:  # Python's own generator looks after itself
            sys.modules["numpy"].random.seed()
        child.main(order, rests=True, later=later)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)


def _end_with(parent: int) -> None:
    """Have the system end this process when its parent ends, even in the midst of an import."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(child.ORPHANED)
