"""Keras on JAX."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


class OnJax:
    """JAX's way: everything is one compiled program."""

    eager = False

    @contextmanager
    def session(self) -> Iterator[None]:
        """Let scalars be doubles; arrays keep their own type."""
        plain, numbers = random.getstate(), np.random.get_state()
        try:
            with jax.enable_x64(True):
                yield
        finally:
            random.setstate(plain)
            np.random.set_state(numbers)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile with XLA."""
        made: Callable[..., Any] = jax.jit(function)
        return made

    def abstract(self, function: Callable[[], Any]) -> None:
        """Trace alone."""
        jax.eval_shape(function)

    def gradients(
        self, function: Callable[[dict[str, Any]], tuple[Any, Any]], weights: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Differentiate backwards."""
        (value, extra), found = jax.value_and_grad(function, has_aux=True)(weights)
        return value, extra, found

    def loop(self, count: Any, body: Callable[[Any, Any], Any], state: Any) -> Any:
        """Loop inside of the program."""
        return lax.fori_loop(0, count, body, state)

    def words(self, value: Any) -> Any:
        """Return unsigned 32-bit integers."""
        return jnp.asarray(value, jnp.uint32)

    def below(self, words: Any, bounds: Any) -> Any:
        """Compare unsigned integers."""
        return words < bounds

    def reseed(self, seed: Any) -> None:
        """Do nothing: JAX has no generator of its own."""
