"""The one place where jax is imported: on one thread, and with PyTorch's number types.

XLA reads its flags once, when jax first computes. One thread is part of the engine's identity:
sums in another order end in other bits, and on a busy machine two threads are slower than one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

started_elsewhere = "jax" in sys.modules and _ONE_THREAD not in os.environ.get("XLA_FLAGS", "")
if _ONE_THREAD not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_ONE_THREAD}".strip()

# Beside PyTorch, or another process: what is not needed stays free.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax  # noqa: E402 - after its flags

from luthier.core.folders import cache_folder  # noqa: E402
from luthier.engines.chunks.processor import processor  # noqa: E402

VERSION = str(jax.__version__)  # what programs are made by


@contextmanager
def exact(on: Any = None) -> Iterator[None]:
    """Let numbers be as wide as they say, without changing the process' settings.

    A step's scalars are doubles and codes 64-bit integers, as in PyTorch; arrays keep the type
    of the recipe's precision.

    Args:
        on: The device to compute on; None is the CPU, also where JAX would rather take a GPU.
    """
    with jax.enable_x64(True), jax.default_device(on or device("cpu")):
        yield


def placed(arrays: Any) -> Any:
    """Hand arrays to JAX once, and not at every epoch."""
    with exact():
        return jax.device_put(arrays)


def device(platform: str) -> Any:
    """Return the first device of a platform; None where there is none."""
    try:
        return jax.devices(platform)[0]
    except RuntimeError:  # a platform that JAX was not installed for, or that has no device here
        return None


def keep_programs() -> None:
    """Keep compiled programs on disk, for the next process; a user's own setting comes first."""
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    set_option: Any = jax.config.update  # untyped there
    set_option("jax_compilation_cache_dir", str(programs_folder()))
    # By default only what took a second to compile is kept; most of ours take about that.
    set_option("jax_persistent_cache_min_compile_time_secs", 0.1)


def programs_folder() -> Path:
    """Return where programs are kept: one folder a kind of processor, whose code they are."""
    return cache_folder("programs") / processor()
