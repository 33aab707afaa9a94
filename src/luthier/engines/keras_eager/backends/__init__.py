"""What the three backends do each in its own way: compile, differentiate, loop, hash."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import keras


class Backend(Protocol):
    """One backend of Keras. Trees are dictionaries and tuples of tensors.

    Attributes:
        eager: Every operation is computed as it is called, so that few large ones are faster.
    """

    eager: bool

    def session(self) -> AbstractContextManager[None]:
        """Compute in double precision where asked, and leave the process as it was."""

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of trees as one program, where the backend has such."""

    def abstract(self, function: Callable[[], Any]) -> None:
        """Run a function for what it does in Python; its numbers are not needed."""

    def gradients(
        self, function: Callable[[dict[str, Any]], tuple[Any, Any]], weights: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Return a function's value, what else it returns, and the value's gradients."""

    def loop(self, count: Any, body: Callable[[Any, Any], Any], state: Any) -> Any:
        """Return a tree after so many calls of `body`, which takes the index and the tree."""

    def words(self, value: Any) -> Any:
        """Return 32-bit words that Python's operators work on, as `luthier.core.keys` wants."""

    def below(self, words: Any, bounds: Any) -> Any:
        """Tell which words are below a bound."""

    def reseed(self, seed: Any) -> None:
        """Seed what a layer may draw from that is no seed of Keras; where that can be done."""


def running() -> Backend:
    """Return the backend of this process."""
    name = keras.config.backend()
    if name == "tensorflow":
        from luthier.engines.keras_eager.backends.on_tensorflow import OnTensorFlow

        return OnTensorFlow()
    if name == "jax":
        from luthier.engines.keras_eager.backends.on_jax import OnJax

        return OnJax()
    from luthier.engines.keras_eager.backends.on_torch import OnTorch

    return OnTorch()
