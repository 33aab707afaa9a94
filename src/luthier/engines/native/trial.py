"""One trial on a program in C: its memory, and the call."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.catalog.augmentation import kinds_of
from luthier.core import State
from luthier.engines.chunks.exchange import Outcome, Steps
from luthier.engines.chunks.trial import VECTOR, Array, Trial
from luthier.engines.native.memory import Memory

_POINTERS = (
    *("memory", "slots", "average", "inputs", "target", "weight", "rows", "numbers", "settings"),
    *("words", "thresholds", "scales", "noise", "evaluated", "wanted", "weighed"),
)
_COUNTS = ("sampled", "validated", "batch", "augmentation", "first", "steps", "apart", "epochs")
_RESULTS = ("seen", "shown", "outputs", "kept", "losses", "right")


class _Call(ctypes.Structure):
    """What a program is called with: the same names, in the same order, as in prelude.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _COUNTS),
        *((name, ctypes.c_void_p) for name in _RESULTS),
    )


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled program, and what its memory holds.

    Args:
        library: The loaded program.
        memory: Where tensors lie.
        counters: Buffers that count steps.
        outputs: Numbers of an example's output.
        positions: Examples of a row.
        dtype: Of the program's numbers.
    """

    library: ctypes.CDLL
    memory: Memory
    counters: tuple[str, ...]
    outputs: int
    positions: int
    dtype: np.dtype[Any]

    def __call__(self, call: _Call) -> int:
        """Train; return how many epochs."""
        epochs = int(self.library.train(ctypes.byref(call)))
        if epochs < 0:
            raise MemoryError(f"no room for the values of {call.batch} rows: take a smaller batch")
        return epochs

    def room(self, epochs: int, steps: int, kernels: int, examples: int) -> dict[str, Array]:
        """Return arrays for what epochs show; no examples where no outputs are wanted."""
        dtype = self.dtype
        return {
            "seen": np.zeros((epochs, steps, 3), dtype),
            "shown": np.zeros((epochs, 3, kernels), dtype),
            "outputs": np.zeros((epochs, examples, self.outputs), dtype),
            "kept": np.zeros((epochs, self.memory.changing), dtype),
            "losses": np.zeros((epochs, 2)),
            "right": np.zeros(epochs),
        }


@dataclass(frozen=True)
class Facts:
    """What the host must know of a network.

    Args:
        trainable: Names of the parameters that train: kernels first.
        kernels: How many of them have two dimensions.
        rates: Rate of each dropout call of a training pass.
        framework: Whose formulas its optimizers have.
    """

    trainable: tuple[str, ...]
    kernels: int
    rates: tuple[float, ...]
    framework: str = "torch"


class NativeTrial(Trial[Facts]):
    """Holds the memory that the program changes."""

    memory_of_epochs = 1 << 24  # what it keeps of an epoch costs one copy
    losses_are_exact = True  # summed in double precision

    def _place(self, state: State) -> None:
        program: Program = self.shape.program
        memory, dtype, names = program.memory, program.dtype, self.shape.network.trainable
        weights = state.group("weights")
        self.rest = {name: value for name, value in weights.items() if name not in memory.places}
        placed = {name: value for name, value in weights.items() if name in memory.places}
        self.memory = memory.filled(placed, dtype)
        slots, zeros = state.group("slots"), np.zeros(memory.trained, dtype)
        self.slots = np.concatenate(
            [
                memory.parted(slots[name], names, dtype)[: memory.trained]
                if name in slots
                else zeros
                for name in self.optimizer.slots
            ]
            or [zeros]
        )
        self.average = None if self.recipe.ema is None else self.memory.copy()
        ema = state.group("ema")
        if self.average is not None and ema:
            vector = memory.parted(ema[VECTOR], names, dtype)
            self.average[: memory.trained] = vector[: memory.trained]
            for name, value in ema.items():
                if name in memory.places:
                    memory.places[name].view(self.average)[...] = value
        self.trained = 0
        tables = self.shape.tables
        self.classes = tables.task.kind == "classification"
        told = {"accuracy"} & {*tables.task.metrics} if self.classes else set()
        told |= {"log_loss"} if self._is_log_loss else set()
        wanted = len(tables.rows.val_target) if {*tables.task.metrics} - told else 0
        kernels = self.shape.network.kernels
        self.room = program.room(self.most, self.shape.steps, kernels, wanted)

    def _run(self, steps: Steps, count: int, epochs: int) -> list[Outcome]:
        program: Program = self.shape.program
        tables, room = self.shape.tables, self.room
        sampled, validated = (
            len(weight) // program.positions
            for weight in (tables.rows.sample_weight, tables.rows.val_weight)
        )
        given = {
            "memory": self.memory,
            "slots": self.slots,
            "average": self.average,
            "inputs": self.examples.inputs[0],
            "target": self.examples.target,
            "weight": self.examples.weight,
            "rows": steps.rows,
            "numbers": steps.numbers,
            "settings": self.settings,
            "words": self.draws.words,
            "thresholds": self.draws.thresholds,
            "scales": self.draws.scales.astype(np.float64),
            "noise": self.draws.noise if self.recipe.noise else None,
            "evaluated": tables.rows.inputs[0],
            "wanted": tables.wanted,
            "weighed": tables.weighed,
            **room,
        }
        batch = self.shape.batch_size
        augmented = kinds_of(self.recipe.augmentation)
        counts = (sampled, validated, batch, augmented, self.step, count, self.shape.steps, epochs)
        call = _Call(
            **{
                name: None if a is None or not a.size else a.ctypes.data
                for name, a in given.items()
            },
            **dict(zip(_COUNTS, counts, strict=True)),
        )
        self.trained = program(call)
        passed = self.trained * count
        self.rest |= {name: self.rest[name] + passed for name in program.counters}
        self.right = room["right"][: self.trained].tolist() if self.classes else ()
        return [self._outcome(epoch) for epoch in range(self.trained)]

    def _outcome(self, epoch: int) -> Outcome:
        seen, shown, outputs, _, losses, _ = (self.room[name] for name in _RESULTS)
        found = outputs[epoch] if outputs.size else None
        return Outcome(seen[epoch], shown[epoch], losses[epoch], found)

    def _evaluated(self, index: int) -> dict[str, Any]:
        program: Program = self.shape.program
        whole = np.concatenate([self.room["kept"][index], self.memory[program.memory.changing :]])
        later = (self.trained - 1 - index) * self.shape.steps
        rest = {
            name: value - later if name in program.counters else value
            for name, value in self.rest.items()
        }
        return self._named(whole, rest)

    def _groups(self) -> Mapping[str, Mapping[str, Any]]:
        memory, names = self.shape.program.memory, self.shape.network.trainable
        average: dict[str, Any] = {}
        if self.average is not None and self.step:
            average[VECTOR] = memory.joined(self.average, names)
            for name, place in memory.places.items():
                if memory.trained <= place.offset < memory.changing:
                    average[name] = place.view(self.average)
        count = memory.trained
        slots = {
            name: memory.joined(self.slots[k * count : (k + 1) * count], names)
            for k, name in enumerate(self.optimizer.slots)
        }
        return {"weights": self._named(self.memory, self.rest), "slots": slots, "ema": average}

    def _named(self, memory: Array, rest: Mapping[str, Any]) -> dict[str, Any]:
        """Return copies of all tensors by name."""
        places = self.shape.program.memory.places
        return {
            name: rest[name] if name in rest else places[name].view(memory).copy()
            for name in self.names
        }
