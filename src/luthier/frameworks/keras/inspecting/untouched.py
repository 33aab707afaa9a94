"""Looking at a live model, and leaving everything as it was."""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@contextmanager
def untouched(model: Any) -> Iterator[None]:
    """Put weights, layers' states, flags and random numbers back, whatever happens.

    Args:
        model: The user's.

    >>> layer = keras.layers.Dense(1)
    >>> before = random.getstate()
    >>> with untouched(layer):
    ...     _ = random.random()
    >>> random.getstate() == before
    True
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]
    values = [(one, np.array(keras.ops.convert_to_numpy(one.value))) for one in variables]
    flags = [(one, one.trainable) for one in model._flatten_layers()]
    plain, numbers = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    drawn = torch.get_rng_state() if torch is not None else None
    training = getattr(model, "training", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, value in values:
            now = keras.ops.convert_to_numpy(one.value)
            if not np.array_equal(now, value, equal_nan=value.dtype.kind == "f"):
                one.assign(value)
        for layer, flag in flags:
            if layer.trainable != flag:
                layer.trainable = flag
        if torch is not None and isinstance(training, bool) and hasattr(model, "train"):
            model.train(training)
        random.setstate(plain)
        np.random.set_state(numbers)
        if torch is not None:
            torch.set_rng_state(drawn)
