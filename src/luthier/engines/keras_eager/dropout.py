"""Dropout whose masks are keyed by (seed, step, index of the call), in Keras' layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from keras import ops
from keras.src import backend as keras_backend  # where every layer looks dropout up

from luthier.core.keys import bits, fold_in
from luthier.engines.keras_eager.backends import Backend


@contextmanager
def replaced(dropout: Callable[..., Any]) -> Iterator[None]:
    """Have another function in place of Keras' dropout for a while."""
    kept = keras_backend.random.dropout
    keras_backend.random.dropout = dropout
    try:
        yield
    finally:
        keras_backend.random.dropout = kept


class Recording:
    """Notes the rate of each dropout call of a forward pass; drops nothing."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def __call__(self, inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        """Stand in for `keras.random.dropout`."""
        self.rates.append(float(rate))
        return inputs


class Keyed:
    """Drops by keyed masks: the same ones on every backend, and in PyTorch networks.

    Args:
        backend: Computes the hash.
        key: The two words of the key of (seed, step).
        bounds: Of each call, the word below which a position drops.
        scales: Of each call, what is kept is multiplied with.
    """

    def __init__(self, backend: Backend, key: tuple[Any, Any], bounds: Any, scales: Any) -> None:
        self._backend, self._key, self._bounds, self._scales = backend, key, bounds, scales
        self._calls = 0

    def __call__(self, inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        """Stand in for `keras.random.dropout`."""
        call, self._calls = self._calls, self._calls + 1
        shape = tuple(int(size) for size in inputs.shape)
        if noise_shape is not None:
            shape = tuple(
                size if wanted is None else int(wanted)
                for size, wanted in zip(shape, noise_shape, strict=True)
            )
        count = 1
        for size in shape:
            count *= size
        backend = self._backend
        words = bits(
            fold_in(self._key, backend.words(call)), backend.words(ops.arange(count, dtype="int64"))
        )
        kept = ops.logical_not(backend.below(words, self._bounds[call]))
        mask = ops.cast(kept, inputs.dtype) * ops.cast(self._scales[call], inputs.dtype)
        return inputs * ops.reshape(mask, shape)
