"""What runs in a worker process: it gets its work, does it, and tells how that went.

A nursery's worker then rests until there is more of it. This module is imported before all else in
a fresh process, so it imports little itself.
"""

from __future__ import annotations

import gc
import importlib
import json
import mmap
import os
import pickle
import queue
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from luthier.core import Stop
from luthier.executors.crossing import pack_outcome
from luthier.executors.messages import DONE, END, MESSAGE

ORPHANED = 1  # the exit code of a worker whose parent is gone

_Orders = queue.SimpleQueue[tuple[Mapping[str, Any], Stop]]


def main(order: Mapping[str, Any], *, rests: bool = False, later: Sequence[str] = ()) -> None:
    """Do what a parent asks for.

    Args:
        order: Numbers of the open files ``work``, ``control`` and ``outcome``; ``index`` of the
            worker; its ``core``; ``argv`` of the parent.
        rests: Whether to wait for more when that is done.
        later: Modules to import while it rests.
    """
    leave_interrupts_to_the_parent()
    control = socket.socket(fileno=order["control"])
    control.set_inheritable(False)  # what a builder starts must not hold it open
    orders, stop = _Orders(), Stop()
    orders.put((order, stop))
    listener = threading.Thread(
        target=_listen, args=(control, stop, orders), name="luthier-control", daemon=True
    )
    listener.start()
    _do(*orders.get())
    while rests:
        with suppress(OSError):  # nobody is there any more: the listener ends it all
            control.send(DONE)
        while later and orders.empty():
            name, *later = later
            with suppress(Exception):  # the next work comes across it, and has someone to tell
                importlib.import_module(name)
        _do(*orders.get())
    gc.freeze()  # nobody looks for garbage in a process that ends


def _do(order: Mapping[str, Any], stop: Stop) -> None:
    """Do one work, and leave what it returned or raised."""
    sys.argv[:] = order["argv"]
    if hasattr(os, "sched_setaffinity") and order["core"] is not None:
        os.sched_setaffinity(0, {order["core"]})
    for name in ("work", "outcome"):
        os.set_inheritable(order[name], False)
    value, error = None, None
    try:
        work = _read(order["work"])
        value = work(order["index"], stop)
    except BaseException as raised:
        error = raised
    with os.fdopen(order["outcome"], "wb") as file:
        file.write(pack_outcome(value, error))


def leave_interrupts_to_the_parent() -> None:
    """Ignore Ctrl-C, which a terminal sends to all; the parent blocked it until now."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _read(work: int) -> Any:
    """Read the work; the file is the same for all workers, so its position is left alone."""
    try:
        with mmap.mmap(work, 0, access=mmap.ACCESS_READ) as packed:
            return pickle.loads(packed)  # noqa: S301 - the parent made it, and nobody else can
    finally:
        os.close(work)


def _listen(control: socket.socket, stop: Stop, orders: _Orders) -> None:
    """Pass on the parent's wishes; end at once when the parent is gone."""
    while True:
        text, files = b"", list[int]()
        with suppress(OSError):  # the parent has closed it in the midst of something
            text, files, _, _ = socket.recv_fds(control, MESSAGE, 2)
        if not text:
            os._exit(ORPHANED)
        if text == END:
            stop.asked = True
        else:
            work, outcome = files
            stop = Stop()  # a wish to end that came too late meant the work before
            orders.put(({**json.loads(text), "work": work, "outcome": outcome}, stop))
