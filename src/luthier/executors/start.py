"""How a fresh interpreter is started: what it finds, and with how many threads it computes."""

from __future__ import annotations

import os
import sys

# Read by numerical libraries when they are imported: one thread is part of an engine's identity.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


def search_path() -> list[str]:
    """Return where this process finds modules, as another one can use it."""
    return [folder or os.getcwd() for folder in sys.path]  # noqa: PTH109 - a text
