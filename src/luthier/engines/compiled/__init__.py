"""The compiled engine: one program per network shape, which every trial of the shape runs."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from luthier.core import Arrays, Captured, Curves, Positions, Recipe, Rehearsal, State
from luthier.engines.chunks.setups import Setups
from luthier.engines.chunks.tables import Tables
from luthier.engines.chunks.trial import Shape
from luthier.engines.compiled import xla
from luthier.engines.compiled.lowered import Lowered, lowered
from luthier.engines.compiled.program import compile_chunk
from luthier.engines.compiled.trial import JaxTrial
from luthier.engines.compiled.unfit import unfit

KEPT = 32  # programs in memory; one takes a few megabytes


class Compiled:
    """Trains one trial at a time, an epoch a call, on one thread.

    Everything that a recipe sets, apart from network, optimizer, loss, batch size and precision,
    is an input of the program: trials that differ in it compile nothing.
    """

    name = "compiled"
    slots = 1

    def __init__(self) -> None:
        xla.keep_programs()
        self._programs: OrderedDict[tuple[Any, str, str], Any] = OrderedDict()
        self._setups = Setups(xla.VERSION, xla.programs_folder() / "known")
        self._tables: Tables | None = None
        self._shape: Shape[Lowered] | None = None
        self._trial: JaxTrial | None = None

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return in words why a network cannot be compiled; None where it can."""
        if captured.framework != "torch":
            return f"it is a {captured.framework} network, and this engine compiles PyTorch"
        if xla.started_elsewhere:
            return "jax was imported before luthier, with its own number of threads"
        return unfit(captured, recipe, self._setups)

    def setup_seconds(self, captured: Captured) -> float:
        """Return about how long capturing and compiling take, if that is not done yet."""
        return self._setups.seconds(captured.signature)

    def clock(self) -> float:
        """Return the time that this process has computed."""
        return time.process_time()

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; data and programs are kept for the next."""
        graph, signature = captured.graph(), captured.signature
        wanted = (arrays.key, captured.recipe.precision, signature.loss, graph.rows)
        if self._tables is None or self._tables.key != wanted:
            self._tables = Tables.of(arrays, *wanted[1:], xla.placed)
        half = signature.precision == "bfloat16"
        network = lowered(graph, positions=captured.positions, half=half)
        shape = (graph.key, captured.positions, half)
        run = self._program(shape, network, signature.optimizer, signature.loss)
        run = self._setups.timed(signature, run)
        self._shape = Shape(network, run, self._tables, signature.batch_size)

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in the one slot."""
        if self._shape is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        self._trial = JaxTrial(self._shape, recipe, seed, state)

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train the slot to an absolute epoch, or to the first epoch that is not finite."""
        trial = self._live()
        curves = Curves()
        for epoch in until.values():
            while trial.epochs < epoch and trial.finite:
                curves += trial.train(epoch - trial.epochs)
        return dict.fromkeys(until, curves)

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take a few steps with a copy of the slot's trial."""
        live = self._live()
        return JaxTrial(live.shape, live.recipe, live.seed, live.state()).rehearse(steps)

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        return self._live().state()

    def _program(
        self, shape: tuple[str, Positions, bool], network: Lowered, optimizer: str, loss: str
    ) -> Any:
        key = (shape, optimizer, loss)
        if key not in self._programs:
            self._programs[key] = compile_chunk(network, optimizer, loss)
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT:
            self._programs.popitem(last=False)
        return self._programs[key]

    def _live(self) -> JaxTrial:
        if self._trial is None:
            raise RuntimeError("the slot is empty: call put(slot, recipe, seed, state) first")
        return self._trial
