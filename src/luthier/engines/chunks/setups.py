"""What compiling a structure costs: little where an earlier process has done it."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from luthier.core import Signature


@dataclass(eq=False)
class Setups:
    """Remembers which structures were compiled, here and on disk, and what that took.

    Args:
        version: What programs are made by; another one makes them anew.
        folder: Where the marks lie, beside the programs that they stand for.
        new: Seconds for a structure that nobody has compiled, until one was measured: of a small
            network, with what is imported for the first one.
        known: Seconds for one whose graph and program are on disk.
        clock: Tells the time that was computed.
        outside: What of a signature programs do not depend on, and a value that stands for any.

    >>> net = Signature("net", "adam", "", "mse", 32, "float32", "xy")
    >>> Setups("1", Path("nowhere")).seconds(net)
    4.0
    """

    version: str
    folder: Path
    new: float = 4.0
    known: float = 0.6
    clock: Callable[[], float] = time.process_time
    outside: Mapping[str, Any] = field(default_factory=lambda: {"schedule": ""})
    _times: list[float] = field(default_factory=list, init=False)
    _begun: dict[Signature, float] = field(default_factory=dict, init=False)
    _done: set[Signature] = field(default_factory=set, init=False)

    def seconds(self, signature: Signature) -> float:
        """Return about how long it takes until a structure's first step."""
        signature = self._shared(signature)
        if signature in self._done:
            return 0.0
        if self._mark(signature).exists():
            return self.known
        return median(self._times) if self._times else self.new

    def begin(self, signature: Signature) -> None:
        """Note that a structure's setup begins."""
        self._begun[self._shared(signature)] = self.clock()

    def timed(self, signature: Signature, program: Callable[..., Any]) -> Callable[..., Any]:
        """Return a program that notes how long it took to come to its first result."""
        shared = self._shared(signature)

        def run(*args: Any) -> Any:
            result = program(*args)
            self.end(shared)
            return result

        return run

    def end(self, signature: Signature) -> None:
        """Note that a structure is set up."""
        signature = self._shared(signature)
        if signature in self._begun:
            self._end(signature, self.clock() - self._begun.pop(signature))

    def _end(self, signature: Signature, seconds: float) -> None:
        mark = self._mark(signature)
        if signature not in self._done and not mark.exists():
            self._times.append(seconds)
            with contextlib.suppress(OSError):
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
        self._done.add(signature)

    def _mark(self, signature: Signature) -> Path:
        return (
            self.folder / hashlib.sha256(repr((self.version, signature)).encode()).hexdigest()[:16]
        )

    def _shared(self, signature: Signature) -> Signature:
        """Leave out what is computed outside of the program, or at run time."""
        return replace(signature, **self.outside)
