"""Keras on PyTorch."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class OnTorch:
    """PyTorch's way: eager steps on one thread."""

    eager = True

    @contextmanager
    def session(self) -> Iterator[None]:
        """Train on one thread; leave threads and random numbers as they were."""
        plain, numbers = random.getstate(), np.random.get_state()
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng(devices=[]):
                yield
        finally:
            torch.set_num_threads(threads)
            random.setstate(plain)
            np.random.set_state(numbers)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: it computes as it is called."""

        def run(*args: Any) -> Any:
            with torch.no_grad():
                return function(*args)

        return run

    def abstract(self, function: Callable[[], Any]) -> None:
        """Call it."""
        with torch.no_grad():
            function()

    def gradients(
        self, function: Callable[[dict[str, Any]], tuple[Any, Any]], weights: dict[str, Any]
    ) -> tuple[Any, Any, dict[str, Any]]:
        """Differentiate backwards; what the value does not depend on has a gradient of zero."""
        with torch.enable_grad():
            leaves = {name: w.detach().requires_grad_(True) for name, w in weights.items()}
            value, extra = function(leaves)
            found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
        zeros = [
            torch.zeros_like(w) if g is None else g.detach()
            for w, g in zip(leaves.values(), found, strict=True)
        ]
        return value.detach(), extra, dict(zip(leaves, zeros, strict=True))

    def loop(self, count: Any, body: Callable[[Any, Any], Any], state: Any) -> Any:
        """Loop in Python."""
        for index in range(int(count)):
            state = body(torch.tensor(index), state)
        return state

    def words(self, value: Any) -> Any:
        """Return 64-bit integers: torch has few operations on unsigned ones."""
        return torch.as_tensor(value).to(torch.int64)

    def below(self, words: Any, bounds: Any) -> Any:
        """Compare integers."""
        return words < bounds

    def reseed(self, seed: Any) -> None:
        """Seed torch's, Python's and NumPy's generators."""
        number = int(seed)
        torch.default_generator.manual_seed(number)
        random.seed(number)
        np.random.seed(number)
