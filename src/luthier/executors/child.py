"""What runs in a worker process: it gets its work, does it, and tells how that went.

This module is imported before all else in a fresh process, so it imports little itself.
"""

from __future__ import annotations

import gc
import mmap
import os
import pickle
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any

from luthier.core import Stop
from luthier.executors.crossing import pack_outcome

ORPHANED = 1  # the exit code of a worker whose parent is gone


def main(order: Mapping[str, Any]) -> None:
    """Do what a parent asks for.

    Args:
        order: Numbers of the open files ``work``, ``control`` and ``outcome``; ``index`` of the
            worker; its ``core``; ``argv`` of the parent.
    """
    leave_interrupts_to_the_parent()
    sys.argv[:] = order["argv"]
    if hasattr(os, "sched_setaffinity") and order["core"] is not None:
        os.sched_setaffinity(0, {order["core"]})
    for name in ("work", "control", "outcome"):
        os.set_inheritable(order[name], False)  # what a builder starts must not hold them open
    stop = Stop()
    listener = threading.Thread(
        target=_listen, args=(order["control"], stop), name="luthier-control", daemon=True
    )
    listener.start()
    value, error = None, None
    try:
        work = _read(order["work"])
        value = work(order["index"], stop)
    except BaseException as raised:
        error = raised
    with os.fdopen(order["outcome"], "wb") as file:
        file.write(pack_outcome(value, error))
    gc.freeze()  # nobody looks for garbage in a process that ends


def leave_interrupts_to_the_parent() -> None:
    """Ignore Ctrl-C, which a terminal sends to all; the parent blocked it until now."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _read(work: int) -> Any:
    """Read the work; the file is the same for all workers, so its position is left alone."""
    with mmap.mmap(work, 0, access=mmap.ACCESS_READ) as packed:
        return pickle.loads(packed)  # noqa: S301 - the parent made it, and nobody else can


def _listen(control: int, stop: Stop) -> None:
    """Pass on the parent's wish to end; end at once when the parent is gone."""
    while os.read(control, 1):
        stop.asked = True
    os._exit(ORPHANED)
