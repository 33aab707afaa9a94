"""The other process, as this one sees it: started once, asked over a pipe."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import weakref
from contextlib import suppress
from typing import Any

from luthier.core import CaptureError

_MODULE = "luthier.engines.keras_compiled.child"
_HEAD = 8


class Process:
    """Starts the other process at the first call, and again should it have died.

    Attributes:
        seconds: What it has computed so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._before = 0.0
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def started(self) -> bool:
        """Whether it runs."""
        return self._popen is not None and self._popen.poll() is None

    def call(self, method: str, *args: Any) -> Any:
        """Have a method called there; return what it returns.

        Raises:
            CaptureError: for a network that cannot be made there.
            RuntimeError: for whatever else was raised there, and when the process has died.
        """
        popen = self._running()
        if popen.stdin is None or popen.stdout is None:
            raise RuntimeError("the compiled engine's process has no pipe")
        try:
            send(popen.stdin, (method, args))
            kind, value, seconds = receive(popen.stdout)
        except (BrokenPipeError, EOFError) as error:
            code = popen.wait()
            self._popen = None
            raise RuntimeError(f"the compiled engine's process ended with code {code}") from error
        self.seconds = self._before + seconds
        if kind == "unfit":
            raise CaptureError(value)
        if kind == "error":
            raise RuntimeError(value)
        return value

    def _running(self) -> subprocess.Popen[bytes]:
        if self._popen is not None and self._popen.poll() is None:
            return self._popen
        self._before = self.seconds
        environment = {
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            # Keras may import TensorFlow there, which computes nothing: it has nothing to say.
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "TF_ENABLE_ONEDNN_OPTS": "0",
        }
        self._popen = subprocess.Popen(  # noqa: S603 - this Python, and a module of our own
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        weakref.finalize(self, _end, self._popen)
        return self._popen


def _end(popen: subprocess.Popen[bytes]) -> None:
    """Let it go: it ends when nobody can ask any more."""
    with suppress(OSError):
        if popen.stdin is not None:
            popen.stdin.close()
    try:
        popen.wait(timeout=2)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
    if popen.stdout is not None:
        popen.stdout.close()


def send(stream: Any, message: Any) -> None:
    """Write a message. Both ends are ours: what is unpickled was pickled by the other one."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(len(data).to_bytes(_HEAD, "big"))
    stream.write(data)
    stream.flush()


def receive(stream: Any) -> Any:
    """Read a message.

    Raises:
        EOFError: when the other end is gone.
    """
    size = int.from_bytes(_exactly(stream, _HEAD), "big")
    return pickle.loads(_exactly(stream, size))  # noqa: S301 - from our own process


def _exactly(stream: Any, count: int) -> bytes:
    data: bytes = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
