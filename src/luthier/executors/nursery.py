"""A nursery: a process that has imported what workers need, and becomes them by copying itself.

Importing PyTorch takes longer than a search in small networks. A nursery does it once a command,
while the command itself reads its data, and a worker starts in milliseconds: `os.fork` in a
process that has one thread, no data, no file of the user's, and runs none of the user's code.
A worker that has done its work rests: the command's next work finds its data read and its programs
loaded.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from luthier.executors.messages import MESSAGE, READY
from luthier.executors.signals import interrupts_blocked
from luthier.executors.start import ONE_THREAD, search_path

# What loads libraries of its own is imported first: while a large one is loaded no other can be.
# Not by `CDLL`: before Python 3.12 nothing goes on beside that.
_BOOT = """
import ctypes, importlib, json, os, sys, threading
from contextlib import suppress

order = json.loads(sys.argv[1])
sys.path[:] = order["path"]
for module in order["before"]:
    with suppress(Exception):
        importlib.import_module(module)
with suppress(AttributeError):
    load = ctypes.CDLL(None).dlopen
    for path in order["libraries"]:
        given = os.fsencode(path), ctypes.c_int(os.RTLD_NOW)
        threading.Thread(target=load, args=given).start()
from luthier.executors.nurse import main
main(order)
"""


@dataclass(eq=False)
class Nursery:
    """Makes worker processes by copying one that is ready.

    Args:
        process: That process.
        line: What it is asked through.
    """

    process: subprocess.Popen[bytes]
    line: socket.socket
    _ready: bool | None = field(default=None, init=False)
    _resting: list[tuple[Copied, socket.socket]] = field(default_factory=list, init=False)

    @classmethod
    def start(
        cls,
        modules: Sequence[str],
        libraries: Sequence[str] = (),
        before: Sequence[str] = (),
        later: Sequence[str] = (),
    ) -> Nursery | None:
        """Start one that imports some modules; None where the system cannot do it.

        It takes Linux: a process is watched by a descriptor of its own, as it is another one's
        child. Elsewhere numerical libraries do not survive a fork, either.
        """
        if not (sys.platform == "linux" and hasattr(os, "pidfd_open")):
            return None
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = {
            "line": theirs.fileno(),
            "libraries": list(libraries),
            "before": list(before),
            "later": list(later),
            "modules": list(modules),
            "parent": os.getpid(),
            "path": search_path(),
        }
        with interrupts_blocked(), theirs:
            process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-c", _BOOT, json.dumps(order)],
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=2,
                pass_fds=(theirs.fileno(),),
            )
        return cls(process, ours)

    def ready(self, seconds: float) -> bool | None:
        """Tell whether it can make workers; None while it is not known after some seconds."""
        if self._ready is None and select.select([self.line], [], [], seconds)[0]:
            try:
                self._ready = self.line.recv(MESSAGE) == READY
            except OSError:
                self._ready = False
        return self._ready

    def copy(self, order: Mapping[str, Any], files: Sequence[int]) -> Copied | None:
        """Return a new worker process; None where none could be made.

        Args:
            order: What `luthier.executors.child.main` takes, but for the files.
            files: Numbers of the open files ``work``, ``control`` and ``outcome``.
        """
        answer = self.ask({"order": order}, files)
        if answer is None:
            self._ready = False
            return None
        return Copied(self, answer, os.pidfd_open(answer))

    @property
    def rested(self) -> int:
        """How many workers rest."""
        return len(self._resting)

    def rest(self, process: Copied, control: socket.socket) -> None:
        """Keep a worker that has done its work.

        Args:
            process: The worker.
            control: Where its parent's wishes go in.
        """
        self._resting.append((process, control))

    def wake(
        self, order: Mapping[str, Any], files: Sequence[int]
    ) -> tuple[Copied, socket.socket] | None:
        """Give work to the worker that has rested longest; None where there is none.

        Args:
            order: As for `copy`.
            files: Numbers of the open files ``work`` and ``outcome``.
        """
        while self._resting:
            process, control = self._resting.pop(0)
            with suppress(OSError):  # it died in its sleep
                socket.send_fds(control, [json.dumps(order).encode()], files)
                return process, control
            self._forget(process, control)
        return None

    def _forget(self, process: Copied, control: socket.socket) -> None:
        control.close()
        process.kill()
        process.close()

    def ask(self, wish: Mapping[str, Any], files: Sequence[int] = ()) -> int | None:
        """Return the answer to a wish; None when nobody is there any more."""
        try:
            socket.send_fds(self.line, [json.dumps(wish).encode()], files)
            answer = self.line.recv(MESSAGE)
        except OSError:
            return None
        return int(answer) if answer else None

    def close(self) -> None:
        """End it and who rests. Others have ended before, or go on until they are told to."""
        for process, _ in self._resting:
            process.kill()  # all of them end at a time
        while self._resting:
            self._forget(*self._resting.pop())
        self.line.close()
        self.process.kill()  # it has nothing to finish, and taking PyTorch down takes a while
        self.process.wait()


@dataclass(eq=False)
class Copied:
    """A worker process that a nursery made.

    Args:
        nursery: Whose child it is.
        pid: Its number.
        watch: Descriptor that tells when it has ended.
    """

    nursery: Nursery
    pid: int
    watch: int

    @property
    def ended(self) -> bool:
        """Whether it has ended. Its number stays its own until `close`."""
        return bool(select.select([self.watch], [], [], 0)[0])

    def code(self) -> int:
        """Return its exit code, or minus the number of the signal that ended it."""
        code = self.nursery.ask({"code": self.pid})
        # Without a nursery nobody knows: the system itself has taken over its children.
        return -signal.SIGKILL if code is None else code

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.watch, signal.SIGKILL)

    def close(self) -> None:
        """Wait for its end, and let the system forget it."""
        select.select([self.watch], [], [])
        self.nursery.ask({"forget": self.pid})
        os.close(self.watch)


@contextmanager
def nursery(
    modules: Sequence[str],
    libraries: Sequence[str] = (),
    before: Sequence[str] = (),
    later: Sequence[str] = (),
    *,
    needed: bool = True,
) -> Iterator[Nursery | None]:
    """Have a nursery for a while; None where there is no need, or it cannot be had.

    Args:
        modules: What it imports.
        libraries: Paths of large shared libraries that the last of them load. They are loaded
            beside all other imports, which have nothing to load meanwhile.
        before: What of the others loads libraries itself: it is imported first.
        later: What the first work does without: it is imported beside that.
        needed: Whether there will be workers.
    """
    made = Nursery.start(modules, libraries, before, later) if needed else None
    try:
        yield made
    finally:
        if made is not None:
            made.close()
