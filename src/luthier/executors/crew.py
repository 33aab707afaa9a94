"""One worker process, as its parent sees it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any, Protocol

from luthier.core import Death
from luthier.executors.crossing import unpack_outcome
from luthier.executors.messages import DONE, END, MESSAGE
from luthier.executors.nursery import Copied, Nursery
from luthier.executors.start import ONE_THREAD, search_path

# Ends by someone else's hand, or by that of the system when memory or time runs out.
FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGXCPU")
# A message is a message, with what files go along; fresh workers get none, and bytes are enough.
_KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM
_BOOT = (
    "import json, sys; order = json.loads(sys.argv[1]); sys.path[:] = order['path']; "
    "from luthier.executors.child import main; main(order)"
)


class Process(Protocol):
    """What a member is to its parent, wherever the process comes from."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        ...

    def code(self) -> int:
        """Return its exit code, or minus the number of the signal that ended it."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    def close(self) -> None:
        """Wait for its end, and let the system forget it."""
        ...


@dataclass(eq=False)
class Fresh:
    """A worker process that was started anew."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, order: Mapping[str, Any], files: Sequence[int]) -> Fresh:
        """Start one with the open files ``work``, ``control`` and ``outcome``."""
        names = dict(zip(("work", "control", "outcome"), files, strict=True))
        text = json.dumps({**order, **names, "path": search_path()})
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", _BOOT, text],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.DEVNULL,
            stdout=2,  # what a builder prints is no result of a command
            pass_fds=files,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended. Its number stays its own until `close`, where that can be had."""
        if self.process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self.process.poll() is not None
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, flags) is not None

    def code(self) -> int:
        """Return its exit code, or minus the number of the signal that ended it."""
        if self.process.returncode is not None or not hasattr(os, "waitid"):
            return self.process.wait()
        info = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        if info is None:
            return self.process.wait()
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def close(self) -> None:
        """Wait for its end, and let the system forget it."""
        self.process.wait()


@dataclass(eq=False)
class Member:
    """A worker process.

    Args:
        index: Its index.
        process: The process.
        control: Where its parent's wishes go in, and it says that it rests; it ends when this
            closes.
        result: Where it leaves what it returned or raised.
    """

    index: int
    process: Process
    control: socket.socket
    result: IO[bytes]
    _asked: bool = field(default=False, init=False)
    _done: bool = field(default=False, init=False)

    @classmethod
    def start(
        cls, index: int, work: int, core: int | None, nursery: Nursery | None = None
    ) -> Member:
        """Start a worker on the work in an open file; a nursery's, if it can make one."""
        result = TemporaryFile()  # noqa: SIM115 - open as long as the worker lives
        order = {"index": index, "core": core, "argv": sys.argv}
        if nursery is not None:
            woken = nursery.wake(order, (work, result.fileno()))
            if woken is not None:
                return cls(index, *woken, result)
        theirs, control = socket.socketpair(socket.AF_UNIX, _KIND)
        process: Process | None = None
        with theirs:
            files = (work, theirs.fileno(), result.fileno())
            if nursery is not None and nursery.ready(0):
                process = nursery.copy(order, files)
            process = process or Fresh.start(order, files)
        return cls(index, process, control, result)

    @property
    def ended(self) -> bool:
        """Whether it has done its work, or ended. Its number stays its own until `leave`."""
        if not self._done:
            with suppress(OSError):  # nothing was said, or nobody is there to say it
                self._done = self.control.recv(MESSAGE, socket.MSG_DONTWAIT) == DONE
        return self._done or self.process.ended

    def outcome(self) -> tuple[Any, BaseException | None] | None:
        """Return what it returned or raised; None where it died before that."""
        size = os.fstat(self.result.fileno()).st_size
        return unpack_outcome(os.pread(self.result.fileno(), size, 0))

    def death(self) -> Death:
        """Return how it ended, after it has."""
        code = self.process.code()
        if code >= 0:
            return Death(self.index, self.process.pid, f"ended itself with exit code {code}", False)
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        killed = name in FROM_OUTSIDE
        cause = f"was killed ({name})" if killed else f"died of {name}"
        return Death(self.index, self.process.pid, cause, killed)

    def ask_to_end(self) -> None:
        """Ask it, once, to end after its epoch."""
        if not self._asked:
            self._asked = True
            with suppress(OSError):  # it has ended already
                self.control.send(END)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def leave(self) -> None:
        """Let it rest where it can; else as `close`."""
        if self._done and isinstance(self.process, Copied):
            self.result.close()
            self.process.nursery.rest(self.process, self.control)
        else:
            self.close()

    def close(self) -> None:
        """Wait for its end, let the system forget it, and close what it was told through."""
        self.process.close()
        self.control.close()
        self.result.close()
