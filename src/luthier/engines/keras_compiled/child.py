"""The other process: Keras on JAX, one thread. It answers until its pipe is closed."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from luthier.core import CaptureError
from luthier.engines.keras_compiled.process import receive, send


def main() -> None:
    """Answer one call after the other."""
    # Ctrl-C is the asking process' matter; what anybody prints must not get between messages.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from luthier.engines.keras_compiled.bench import Bench

    bench: Any = Bench()
    while True:
        try:
            method, args = receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = ("ok", getattr(bench, method)(*args))
        except CaptureError as error:
            answer = ("unfit", str(error))
        except Exception as error:
            answer = ("error", f"{type(error).__name__}: {error}")
        send(answers, (*answer, time.process_time()))


if __name__ == "__main__":
    main()
