"""The one place where jax is imported: on one thread, and with PyTorch's number types.

XLA reads its flags once, when jax first computes. One thread is part of the engine's identity:
sums in another order end in other bits, and on a busy machine two threads are slower than one.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager

_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

started_elsewhere = "jax" in sys.modules and _ONE_THREAD not in os.environ.get("XLA_FLAGS", "")
if _ONE_THREAD not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_ONE_THREAD}".strip()

import jax  # noqa: E402 - after its flags


def exact() -> AbstractContextManager[None]:
    """Let numbers be as wide as they say, on the CPU, without changing the process' settings.

    A step's scalars are doubles and codes 64-bit integers, as in PyTorch; arrays keep the type
    of the recipe's precision.
    """
    context: AbstractContextManager[None] = jax.enable_x64(True)
    return context
