"""Keras on TensorFlow."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf


class OnTensorFlow:
    """TensorFlow's way: an epoch is one graph with a loop in it."""

    eager = False

    @contextmanager
    def session(self) -> Iterator[None]:
        """Leave random numbers as they were; threads are the process' from its first operation."""
        plain, numbers = random.getstate(), np.random.get_state()
        logger = tf.get_logger()
        level = logger.level
        # It warns of many small graphs: each structure that a search tries is one.
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
            random.setstate(plain)
            np.random.set_state(numbers)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a graph; without AutoGraph, which would rewrite the layers' code."""
        graph = tf.function(function, autograph=False, reduce_retracing=False)

        def run(*args: Any) -> Any:
            return graph(*tf.nest.map_structure(tf.convert_to_tensor, args))

        return run

    def abstract(self, function: Callable[[], Any]) -> None:
        """Trace alone."""
        tf.function(function, autograph=False).get_concrete_function()

    def gradients(
        self, function: Callable[[dict[str, Any]], tuple[Any, Any]], weights: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Differentiate backwards; what the value does not depend on has a gradient of zero."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, extra = function(weights)
        found = tape.gradient(value, weights, unconnected_gradients="zero")
        return value, extra, {name: tf.convert_to_tensor(g) for name, g in found.items()}

    def loop(self, count: Any, body: Callable[[Any, Any], Any], state: Any) -> Any:
        """Loop inside of the graph."""
        _, state = tf.while_loop(
            lambda index, state: index < count,
            lambda index, state: (index + 1, body(index, state)),
            (tf.constant(0, count.dtype), state),
            parallel_iterations=1,
        )
        return state

    def words(self, value: Any) -> Any:
        """Return words with operators, which TensorFlow's integers lack."""
        return Words(tf.cast(value, tf.int64))

    def below(self, words: Any, bounds: Any) -> Any:
        """Compare integers."""
        return words.value < bounds

    def reseed(self, seed: Any) -> None:
        """Do nothing: a graph cannot."""


class Words:
    """Integers of 64 bits with the operators that a keyed hash needs.

    >>> ((Words(tf.constant(6, tf.int64)) >> 1) ^ 1).value.numpy().item()
    2
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __xor__(self, other: Any) -> Words:
        return Words(tf.bitwise.bitwise_xor(self.value, _value(other)))

    def __and__(self, other: Any) -> Words:
        return Words(tf.bitwise.bitwise_and(self.value, _value(other)))

    def __rshift__(self, count: int) -> Words:
        return Words(tf.bitwise.right_shift(self.value, _value(count)))

    def __mul__(self, other: Any) -> Words:
        return Words(self.value * _value(other))

    def __add__(self, other: Any) -> Words:
        return Words(self.value + _value(other))


def _value(other: Any) -> Any:
    return other.value if isinstance(other, Words) else tf.constant(other, tf.int64)
