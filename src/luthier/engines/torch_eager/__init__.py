"""The eager PyTorch engine: the reference that every other engine is compared with."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

from luthier.core import Arrays, Captured, Curves, Recipe, Rehearsal, State
from luthier.engines.torch_eager.tensors import Tensors
from luthier.engines.torch_eager.training import Training


class TorchEager:
    """Trains one network after another, step by step, on one thread.

    Two threads would change a convolution's gradient in its last bits, and are slower for
    small networks; so one thread is part of this engine's identity.
    """

    name = "torch_eager"
    slots = 1

    def __init__(self) -> None:
        self._captured: Captured | None = None
        self._tensors: Tensors | None = None
        self._training: Training | None = None

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return why a network cannot be trained: only those of other frameworks."""
        if captured.framework != "torch":
            return f"it is a {captured.framework} network, and this engine trains PyTorch"
        return None

    def setup_seconds(self, captured: Captured) -> float:
        """Return 0: nothing is compiled."""
        return 0.0

    def clock(self) -> float:
        """Return the time that this process has computed."""
        return time.process_time()

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; tensors are kept while the arrays stay."""
        self._captured = captured
        wanted = (arrays.key, captured.recipe.precision, captured.signature.loss)
        if self._tensors is None or self._tensors.key != wanted:
            self._tensors = Tensors.of(arrays, *wanted[1:])

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in the one slot."""
        with _one_thread():
            self._training = self._begun(recipe, seed, state)

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train the slot to an absolute epoch, or to the first epoch that is not finite."""
        training = self._live()
        curves = Curves()
        with _one_thread():
            for epoch in until.values():
                while training.epochs < epoch and training.finite:
                    curves += training.epoch()
        return dict.fromkeys(until, curves)

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take a few steps with a copy of the slot's trial."""
        live = self._live()
        with _one_thread():
            return self._begun(live.recipe, live.seed, live.state()).rehearse(steps)

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        return self._live().state()

    def _begun(self, recipe: Recipe, seed: int, state: State) -> Training:
        if self._captured is None or self._tensors is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        captured = self._captured
        module, loss = captured.make(), captured.signature.loss
        return Training(module, loss, self._tensors, captured.positions, recipe, seed, state)

    def _live(self) -> Training:
        if self._training is None:
            raise RuntimeError("the slot is empty: call put(slot, recipe, seed, state) first")
        return self._training


@contextmanager
def _one_thread() -> Iterator[None]:
    """Train on one thread and leave the process' threads and random numbers as they were."""
    threads, plain, numbers = torch.get_num_threads(), random.getstate(), np.random.get_state()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
        random.setstate(plain)
        np.random.set_state(numbers)
