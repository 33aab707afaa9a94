"""Building and trying a network without touching the user's random numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch, NumPy and Python for a while; leave all three as they were.

    >>> with seeded(0):
    ...     first = torch.rand(1)
    >>> with seeded(0):
    ...     bool(torch.rand(1) == first)
    True
    """
    plain, numbers, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        # `torch.manual_seed` would seed GPUs as well, whose numbers are the user's, and takes
        # longer than a small network takes to build.
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(numbers)
        torch.set_rng_state(tensors)
