"""The compiled engine for Keras networks: a process of its own, in which Keras runs on JAX.

Whatever backend the user's process has, a network goes there as its configuration and its weights,
and trains there if it gives the same outputs. Nothing is changed in the user's process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.util import find_spec
from statistics import median
from typing import Any

import keras
import numpy as np

from luthier.core import (
    Arrays,
    Captured,
    CaptureError,
    Curves,
    MissingExtraError,
    Recipe,
    Rehearsal,
    State,
)
from luthier.engines.keras_compiled.parcel import Parcel, parcel_of
from luthier.engines.keras_compiled.process import Process

_START = 8.0  # seconds until the other process has imported Keras and JAX
_NEW = 4.0  # seconds that a structure's tracing and compiling take, until one was measured
_SAME = 1e-4  # outputs of one network on two backends differ by rounding, which is far below


class KerasCompiled:
    """Trains one trial at a time in the other process, many epochs a call, on one thread.

    Raises:
        MissingExtraError: where JAX is not installed.
    """

    name = "compiled"
    slots = 1

    def __init__(self) -> None:
        if find_spec("jax") is None:
            raise MissingExtraError("JAX", "fast", "the compiled engine")
        self._process = Process()
        self._checked: dict[str, str | None] = {}
        self._parcel: tuple[Captured, Parcel] | None = None
        self._arrays = ""
        self._begun: dict[str, float] = {}
        self._done: set[str] = set()
        self._times: list[float] = []
        self._opened = ""

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return in words why a network cannot be trained there; None where it can."""
        if captured.framework != "keras":
            return f"it is a {captured.framework} network, and this engine compiles Keras"
        if recipe.precision == "bfloat16":
            return "it does not compute in bfloat16"
        if recipe.augmentation != "none":
            return "it does not augment images"
        if recipe.mixup and any(x.dtype.kind != "f" for x in captured.sample):
            return "it does not mix whole numbers"
        try:
            parcel = self._packed(captured)
        except CaptureError as error:
            return str(error)
        if parcel.key not in self._checked:
            self._begun.setdefault(parcel.key, self.clock())
            self._checked[parcel.key] = self._difference(captured, parcel)
        return self._checked[parcel.key]

    def setup_seconds(self, captured: Captured) -> float:
        """Return about how long it takes until a structure's first step, if that is not done."""
        if captured.signature.network in {key.partition(" ")[0] for key in self._done}:
            return 0.0
        new = median(self._times) if self._times else _NEW
        return new if self._process.started else new + _START

    def clock(self) -> float:
        """Return the time that both processes have computed."""
        return time.process_time() + self._process.seconds

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; data and programs stay there for the next."""
        parcel = self._packed(captured)
        if self._arrays != arrays.key or not self._process.started:
            self._process.call("take_data", arrays)
            self._arrays = arrays.key
        self._process.call("open", parcel)
        self._opened = parcel.key

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in the one slot."""
        self._process.call("put", recipe, seed, state)

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train the slot to an absolute epoch, or to the first epoch that is not finite."""
        curves: Mapping[int, Curves] = self._process.call("run", dict(until))
        self._note()
        return curves

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take a few steps with a copy of the slot's trial."""
        rehearsal: Rehearsal = self._process.call("rehearse", steps)
        self._note()
        return rehearsal

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        state: State = self._process.call("take")
        return state

    def _note(self) -> None:
        """Note what a structure took to come to its first result."""
        if self._opened not in self._done:
            self._done.add(self._opened)
            if self._opened in self._begun:
                self._times.append(max(self.clock() - self._begun.pop(self._opened), 0.1))

    def _packed(self, captured: Captured) -> Parcel:
        if self._parcel is None or self._parcel[0] is not captured:
            self._parcel = (captured, parcel_of(captured))
        return self._parcel[1]

    def _difference(self, captured: Captured, parcel: Parcel) -> str | None:
        """Compare outputs for a few rows, here and there."""
        here = _outputs(parcel.model, captured.sample)
        try:
            there = self._process.call("outputs", parcel, captured.initial)
        except CaptureError as error:
            return str(error)
        scale = max(1.0, float(np.abs(here).max()))
        if here.shape != there.shape or not np.allclose(
            here, there, rtol=_SAME, atol=_SAME * scale
        ):
            return "it gives other outputs on JAX than here"
        return None


def _outputs(model: Any, sample: tuple[Any, ...]) -> Any:
    inputs = [keras.ops.convert_to_tensor(x) for x in sample]
    outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    found = np.array(keras.ops.convert_to_numpy(keras.ops.stop_gradient(outputs)), np.float64)
    return found[:, None] if found.ndim == 1 else found
