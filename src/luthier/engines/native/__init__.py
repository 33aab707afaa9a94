"""The native engine: one C program per network shape, which every trial of the shape runs."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from typing import Any, TypeVar

import numpy as np

from luthier.core import (
    Arrays,
    Captured,
    CaptureError,
    Curves,
    Graph,
    MissingCompilerError,
    Positions,
    Recipe,
    Rehearsal,
    Signature,
    State,
)
from luthier.engines.chunks.setups import Setups
from luthier.engines.chunks.tables import Tables, stored
from luthier.engines.chunks.trial import Shape, shapes_of
from luthier.engines.native import masks
from luthier.engines.native.compiler import compiler, folder, load, version
from luthier.engines.native.losses import LOSSES
from luthier.engines.native.machine import Machine
from luthier.engines.native.memory import Memory
from luthier.engines.native.parts import loops, parts, prelude
from luthier.engines.native.plan import Plan
from luthier.engines.native.planner import constant, plan
from luthier.engines.native.rounded import tiles
from luthier.engines.native.rows import filled_for
from luthier.engines.native.source import PASS, source
from luthier.engines.native.trial import Facts, NativeTrial, Program

KEPT = 32  # programs in memory; one takes less than a megabyte

T = TypeVar("T")
Placed = tuple[Plan, Plan, Memory, Machine]  # both passes, and where tensors lie


class Native:
    """Trains one trial at a time, in code that a C compiler made for this processor.

    Everything that a recipe sets, apart from network, optimizer, loss and precision, is an
    argument of the program: trials that differ in it compile nothing.

    Raises:
        MissingCompilerError: where there is no C compiler.
    """

    name = "native"
    slots = 1

    def __init__(self) -> None:
        if compiler() is None:
            raise MissingCompilerError
        self._programs: OrderedDict[object, Program] = OrderedDict()
        self._plans: OrderedDict[object, Placed | str] = OrderedDict()
        self._setups = Setups(
            version(),
            folder() / "known",
            new=0.5,
            known=0.1,
            clock=self.clock,
            outside={"schedule": "", "batch_size": 0},
        )
        self._tables: Tables | None = None
        self._shape: Shape[Facts] | None = None
        self._trial: NativeTrial | None = None

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return in words why no C program is written for a network; None where one is."""
        if captured.framework != "torch":
            return f"it is a {captured.framework} network, and this engine reads PyTorch's"
        if recipe.precision == "bfloat16" and not tiles():
            return "it computes in bfloat16 only where a processor has tiles for that (Intel's AMX)"
        if recipe.epsilon <= 0:
            return "it needs an epsilon above 0"
        if captured.signature.loss not in LOSSES:
            return f"it knows no loss '{captured.signature.loss}'"
        self._setups.begin(captured.signature)
        try:
            graph = captured.graph()
        except CaptureError as error:
            return str(error)
        placed = self._placed(graph, captured, recipe.precision)
        if isinstance(placed, str):
            return placed
        if recipe.mixup and "embedding" in graph.train.operations:
            return "it does not mix whole numbers"
        train, _, _, machine = placed
        return _too_large(train.numbers(machine) * captured.signature.batch_size, machine)

    def setup_seconds(self, captured: Captured) -> float:
        """Return about how long capturing and compiling take, if that is not done yet."""
        return self._setups.seconds(captured.signature)

    def clock(self) -> float:
        """Return the time that this process and its compilers have computed."""
        compilers = os.times()  # in hundredths of a second, which is enough for those
        return time.process_time() + compilers.children_user + compilers.children_system

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; data and programs are kept for the next."""
        graph, signature = captured.graph(), captured.signature
        wanted = (arrays.key, signature.precision, signature.loss, PASS)
        if self._tables is None or self._tables.key != wanted:
            place = filled_for(Machine.here(signature.precision))
            self._tables = Tables.of(arrays, *wanted[1:], place)
        program = self._program(graph, captured, self._tables)
        facts = Facts(graph.trainable, graph.kernels, graph.rates)
        self._shape = Shape(facts, program, self._tables, signature.batch_size)

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in the one slot."""
        if self._shape is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        self._trial = NativeTrial(self._shape, recipe, seed, state)

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
        return NativeTrial(live.shape, live.recipe, live.seed, live.state()).rehearse(steps)

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        return self._live().state()

    def _program(self, graph: Graph, captured: Captured, tables: Tables) -> Program:
        signature, positions = captured.signature, captured.positions
        settings = (signature.optimizer, signature.loss, signature.precision)
        key = (graph.key, shapes_of(captured.initial), positions, settings, tables.targets)
        if key not in self._programs:
            placed = self._placed(graph, captured, signature.precision)
            if isinstance(placed, str):
                raise CaptureError(placed)
            self._programs[key] = _compiled(graph, placed, signature, tables.targets, positions)
            self._setups.end(signature)
        return _latest(self._programs, key)

    def _placed(self, graph: Graph, captured: Captured, precision: str) -> Placed | str:
        """Return a network's plan, or why there is none; every trial asks, structures repeat."""
        key = (graph.key, shapes_of(captured.initial), captured.positions, precision)
        if key not in self._plans:
            try:
                self._plans[key] = _placed(graph, captured, precision)
            except CaptureError as error:
                self._plans[key] = str(error)
        return _latest(self._plans, key)

    def _live(self) -> NativeTrial:
        if self._trial is None:
            raise RuntimeError("the slot is empty: call put(slot, recipe, seed, state) first")
        return self._trial


def _latest(kept: OrderedDict[object, T], key: object) -> T:
    """Return what was asked for; of the rest, the latest stay."""
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return kept[key]


def _too_large(numbers: int, machine: Machine, *, share: float = 0.25) -> str | None:
    """Return in words that a batch's values do not fit; None where they do.

    A program keeps the values of all layers and their gradients until the step is over. PyTorch
    frees what it needs no more: it is given what takes over a quarter of the memory, as other
    workers take theirs.
    """
    needed = numbers * (8 if machine.double else 4)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed <= share * there:
        return None
    return (
        f"the values of a batch take {needed / 1e9:,.1f} GB in a program, more than "
        f"{share:.0%} of this machine's {there / 1e9:,.0f} GB"
    )


def _plans(graph: Graph, captured: Captured) -> tuple[Plan, Plan, frozenset[str]]:
    """Return both passes as layers, and the kernels that lie transposed."""
    tensors, _ = _tensors(graph, captured.initial)
    train, evaluate = (
        plan(forward, tensors, captured.positions) for forward in (graph.train, graph.evaluate)
    )
    if train.turned != evaluate.turned or train.width != evaluate.width:
        raise CaptureError("it computes with other layers in evaluation mode")
    return train, evaluate, train.turned


def _tensors(graph: Graph, initial: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return all tensors that programs read by name, and those among them that a graph holds."""
    found: dict[str, Any] = {}
    for forward in (graph.train, graph.evaluate):
        for name, value in forward.constants.items():
            if np.issubdtype(value.dtype, np.floating) or value.dtype == np.bool_:
                found[constant(name)] = value
    return {**initial.group("weights"), **found}, found


def _placed(graph: Graph, captured: Captured, precision: str) -> Placed:
    """Return both passes as layers, and where tensors lie."""
    train, evaluate, turned = _plans(graph, captured)
    for found in (train, evaluate):
        masks.fixed(found.layers, graph.trainable)
    machine = Machine.here(precision)
    tensors, held = _tensors(graph, captured.initial)
    statistics = tuple(name for name in graph.train.updates if name not in train.counters)
    used = {
        n for plan_ in (train, evaluate) for layer in plan_.layers for n in layer.tensors.values()
    }
    placed = {*graph.trainable, *statistics, *train.counters}
    memory = Memory.of(
        tensors,
        graph.trainable[: graph.kernels],
        graph.trainable[graph.kernels :],
        statistics,
        [name for name in tensors if name in used - placed],
        turned,
        machine,
        {name: value for name, value in held.items() if name in used},
    )
    return train, evaluate, memory, machine


def _compiled(
    graph: Graph, placed: Placed, signature: Signature, targets: int, positions: Positions
) -> Program:
    train, evaluate, memory, machine = placed
    width, dtype = train.widths[train.output], stored(signature.precision)
    targets = width if positions.shape else targets
    text, needed = source(
        graph, train, evaluate, memory, machine, targets=targets, positions=positions
    )
    shared = parts(machine, signature.optimizer, signature.loss, text)
    library: Any = load(prelude(machine) + text, (*shared, *loops(machine, needed)))
    return Program(library, memory, train.counters, width, prod(positions.shape), dtype)
