"""Ctrl-C: once to end after the epoch, twice to end now."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from luthier.core import Stop, nothing

log = logging.getLogger(__name__)


@contextmanager
def interruptible(ask: Callable[[], None] = nothing) -> Iterator[Stop]:
    """Turn the first Ctrl-C into a wish to stop; the second one raises KeyboardInterrupt.

    Signals reach the main thread alone; elsewhere this changes nothing.

    Args:
        ask: Called at the first Ctrl-C, for workers that have a stop sign of their own.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        ask()
        log.warning("stopping after this epoch; Ctrl-C once more stops at once")

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
