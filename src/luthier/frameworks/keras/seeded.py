"""Building a network from a seed without touching the user's random numbers."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@contextmanager
def seeded(seed: int, precision: str = "float32") -> Iterator[None]:
    """Seed what initialisers draw from, and build in a precision; leave all as it was.

    Keras' initialisers and layers take their seeds from Python's generator, on every backend.

    >>> with seeded(0):
    ...     first = keras.layers.Dense(2).compute_dtype, random.random()
    >>> with seeded(0):
    ...     (keras.layers.Dense(2).compute_dtype, random.random()) == first
    True
    """
    plain, numbers = random.getstate(), np.random.get_state()
    torch: Any = sys.modules.get("torch") if keras.config.backend() == "torch" else None
    tensors = torch.get_rng_state() if torch else None
    policy, floats = keras.config.dtype_policy(), keras.config.floatx()
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        if torch:
            torch.default_generator.manual_seed(seed)
        keras.config.set_floatx("float64" if precision == "float64" else "float32")
        keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else precision)
        with wide(precision):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(numbers)
        if torch:
            torch.set_rng_state(tensors)
        keras.config.set_floatx(floats)
        keras.config.set_dtype_policy(policy)


@contextmanager
def wide(precision: str) -> Iterator[None]:
    """Let JAX keep double precision for a while, where that is asked for."""
    if precision != "float64" or keras.config.backend() != "jax":
        yield
        return
    import jax

    with jax.enable_x64(True):
        yield
