"""The model's algebra on one thread, in whichever process it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra to one thread, and leave the process' number as it was.

    A worker's process has one from its start, but a search can also run in the user's own. Matrices
    of a few hundred rows are too small to share: with two threads on two cores a decision took
    16 times the processor time (61 ms instead of 4), as threads wait for each other by spinning.

    >>> with one_thread():
    ...     {pool["num_threads"] for pool in _pools().info()}
    {1}
    """
    with _pools().limit(limits=1):
        yield


@cache
def _pools() -> Any:  # a ThreadpoolController
    import scipy.linalg  # noqa: F401 - it brings a library of its own, found where it is loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
