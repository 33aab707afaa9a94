"""An engine of packs: which trials share one, how large it is, and what happens without memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from luthier.core import (
    Arrays,
    Captured,
    Curves,
    LuthierError,
    Recipe,
    Rehearsal,
    State,
)
from luthier.engines.chunks.exchange import Outcome, Steps
from luthier.engines.chunks.setups import Setups
from luthier.engines.chunks.tables import Tables
from luthier.engines.chunks.trial import MOST, Shape, shapes_of
from luthier.engines.compiled import xla
from luthier.engines.compiled.lowered import Lowered, lowered
from luthier.engines.compiled.operations.convolutions import NATIVE, SLICED
from luthier.engines.compiled.operations.largest import BY_PLACE
from luthier.engines.compiled.operations.tiled import TILED
from luthier.engines.compiled.unfit import unfit
from luthier.engines.packed.compiling import CompiledEpoch, compiled_epoch
from luthier.engines.packed.groups import ROOM, SHARE
from luthier.engines.packed.ladder import Ladder
from luthier.engines.packed.metrics import Truth
from luthier.engines.packed.pack import Pack
from luthier.engines.packed.program import Features
from luthier.engines.packed.trial import PackedTrial

CONVOLUTIONS = {
    "sliced": {**SLICED, **BY_PLACE},
    "native": {**NATIVE, **BY_PLACE},
    "tiled": {**TILED, **BY_PLACE},
}
KEPT = 32  # programs in memory
AWAY = "RESOURCE_EXHAUSTED"  # what XLA's errors begin with where memory has run out


class Packed:
    """Trains many trials of a signature at once, one a lane.

    Small networks leave a GPU idle between operations; in a pack each operation works for all
    lanes. A trial's result depends on its lane, its neighbours and their number by rounding
    alone: it is statistically equal, not bit for bit.

    Args:
        platform: ``cuda``, or ``cpu``: that is for tests, as one core gains nothing from packs.
        ladder: The sizes of pack.
        memory: Bytes that packs may take; None asks the device.
        convolutions: How they are computed: ``tiled`` or ``sliced``, as products of matrices, or
            ``native``. Tiles wrote least on an H100: a pack trained half as fast again.
    """

    def __init__(
        self,
        platform: str = "cuda",
        ladder: Ladder | None = None,
        memory: float | None = None,
        convolutions: str = "tiled",
    ) -> None:
        self.name = "packed" if platform == "cpu" else f"packed_{platform}"
        self.device = xla.device(platform)
        if self.device is None:
            raise LuthierError(
                f"JAX sees no device '{platform}'. Leave --device out, or install JAX for it: "
                "pip install 'jax[cuda13]'"
            )
        xla.keep_programs()
        self._convolutions = CONVOLUTIONS[convolutions]
        self._rungs, self._memory = (ladder or Ladder()).rungs, memory
        self.ladder = Ladder(self._rungs)
        self.compiled: Any = None  # the newest program, for whoever wants to look into it
        self._programs: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._needed: dict[tuple[Any, ...], dict[int, float]] = {}
        self._ladders: dict[tuple[Any, ...], Ladder] = {}
        self._setups = Setups(f"{xla.VERSION} {self.name}", xla.programs_folder() / "known")
        self._tables: Tables | None = None
        self._shape: Shape[Lowered] | None = None
        self._kind: tuple[Any, ...] = ()
        self._trials: dict[int, PackedTrial] = {}
        self._pack: Pack | None = None
        self._stale = False
        self._features = Features()

    @property
    def slots(self) -> int:
        """How many trials of the signature that is open may be placed at once."""
        return self.ladder.most

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return in words why a network cannot be packed; None where it can."""
        if captured.framework != "torch":
            return f"it is a {captured.framework} network, and this engine packs PyTorch"
        return unfit(captured, recipe, self._setups)

    def setup_seconds(self, captured: Captured) -> float:
        """Return about how long capturing and compiling take, if that is not done yet."""
        return self._setups.seconds(captured.signature)

    def clock(self) -> float:
        """Return the time on the wall: a GPU's own does not count in this process."""
        return time.perf_counter()

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; those of another one leave their slots."""
        graph, signature = captured.graph(), captured.signature
        wanted = (arrays.key, captured.recipe.precision, signature.loss, graph.rows)
        made = (graph.key, shapes_of(captured.initial), captured.positions)
        kind = (*made, signature.batch_size, signature.optimizer, *wanted)
        if self._tables is None or self._tables.key != wanted:
            self._tables = Tables.of(arrays, *wanted[1:], self._place)
            self._truth: Truth = self._place(Truth.of(self._tables))
        if self._shape is not None and kind == self._kind:
            # The program is the same; the next trial may drop at other rates than the one before.
            network = replace(self._shape.network, rates=graph.rates)
            self._shape = replace(self._shape, network=network)
            return
        with self._here():
            self._leave()
        self._kind, self._trials, self._pack = kind, {}, None
        self.ladder = self._ladders.setdefault(kind, Ladder(self._rungs))
        self._features = Features()
        self._signature = signature
        half = signature.precision == "bfloat16"
        network = lowered(graph, self._convolutions, captured.positions, half=half, pack=True)
        self._shape = Shape(network, self._run_alone, self._tables, signature.batch_size)

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in a slot; whoever had it leaves."""
        if self._shape is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        self._trials[slot] = PackedTrial(self._shape, recipe, seed, state)

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train each slot to an absolute epoch, or to its first epoch that is not finite."""
        curves = {slot: Curves() for slot in until}
        while True:
            due = [s for s, epoch in until.items() if self._live(s).ahead(epoch, MOST) > 0]
            if not due:
                return curves
            # More than there are lanes for take turns.
            for start in range(0, len(due), self.ladder.most):
                group = due[start : start + self.ladder.most]
                for slot, new in self._train({slot: until[slot] for slot in group}).items():
                    curves[slot] += new

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take a few steps with a copy of the slot's trial."""
        live = self._live(slot)
        state = self.take(slot)
        return PackedTrial(live.shape, live.recipe, live.seed, state).rehearse(steps)

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        trial = self._live(slot)
        if self._stale and self._pack is not None and self._pack.holds(trial):
            with self._here():
                self._pack.settle()
            self._stale = False
        return trial.state()

    def _train(self, until: Mapping[int, int]) -> dict[int, Curves]:
        """Train some slots for as many epochs as the host need not look; none if memory ran out."""
        begun = time.perf_counter()
        trials = {slot: self._trials[slot] for slot in until}
        with self._here():
            pack = self._packed(list(trials.values()))
            trials = {s: trial for s, trial in trials.items() if pack.holds(trial)}
            lanes = dict(zip(trials, pack.lanes_of(list(trials.values())), strict=True))
            counts = {s: trial.ahead(until[s], MOST) for s, trial in trials.items()}
            steps = {slot: trial.steps(counts[slot]) for slot, trial in trials.items()}
            try:
                shown = pack.train(
                    {lanes[slot]: given for slot, given in steps.items()},
                    {lanes[slot]: count for slot, count in counts.items()},
                    trials[next(iter(trials))].shape.steps,
                )
            except (jax.errors.JaxRuntimeError, MemoryError) as error:
                self._smaller(pack.size, error)
                self._leave()
                return {}
            self._stale = True
            self._setups.end(self._signature)
            curves, best = {}, {}
            told = np.stack([one.told for one in shown], axis=1)  # (lanes, epochs, numbers)
            wanted = shown[0].outputs is not None
            for slot, trial in trials.items():
                count, lane = counts[slot], lanes[slot]
                outputs = [np.asarray(o.outputs[lane]) for o in shown[:count]] if wanted else None
                share = partial(_share, begun, len(trials))
                curves[slot], kept = trial.digest(told[lane, :count], outputs, steps[slot], share)
                if kept is not None:
                    best[lanes[slot]] = kept
            pack.keep(best)
        return curves

    def _smaller(self, size: int, error: Exception) -> None:
        """Take note that a pack was too large for memory.

        Raises:
            MemoryError: where a single trial is.
        """
        if AWAY not in str(error) and not isinstance(error, MemoryError):
            raise error
        if not self.ladder.halve(size):
            raise MemoryError(f"one trial does not fit into the memory: {error}") from error

    def _packed(self, trials: Sequence[PackedTrial]) -> Pack:
        """Return a pack that holds some trials; others of it may stay, or make room."""
        pack, features = self._pack, self._features
        for trial in trials:
            features = features.union(trial.features)
        if pack is not None and pack.features == features and self._is_right(pack, len(trials)):
            joining = [trial for trial in trials if not pack.holds(trial)]
            if not joining:
                return pack
            wanted = {id(trial) for trial in trials}
            free = [n for n, one in enumerate(pack.trials) if one is None or id(one) not in wanted]
            self._settle()
            pack.join(joining, free[: len(joining)])
            return pack
        self._leave()
        self._features = features
        while True:
            size = self.ladder.size(len(trials))
            try:
                run = self._program(trials[0], features, size)
            except (jax.errors.JaxRuntimeError, MemoryError) as error:
                self._smaller(size, error)
                continue
            if size in self.ladder.rungs:
                break
        self._pack = Pack(run, size, features, self._place, trials[:size])
        return self._pack

    def _is_right(self, pack: Pack, trials: int) -> bool:
        """Tell whether a pack has room, and not so much that a smaller one would be faster."""
        return trials <= pack.size <= self.ladder.size(2 * trials)

    def _program(self, trial: PackedTrial, features: Features, size: int) -> Any:
        """Return an epoch of so many lanes, compiled; leave sizes out that cannot fit."""
        key = (self._kind, features, size)
        if key not in self._programs:
            epoch = self._compiled(trial, features, size)
            self._programs[key], self.compiled = epoch.run, epoch.training
            known = self._needed.setdefault((self._kind, features), {})
            known[size] = epoch.needed
            free = self._free()
            if free is not None:
                self.ladder.fit(known, free)
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT:
            self._programs.popitem(last=False)
        return self._programs[key]

    def _compiled(self, trial: PackedTrial, features: Features, size: int) -> CompiledEpoch:
        return compiled_epoch(trial, features, size, self._truth, self.device, self._room())

    def _run_alone(self, trial: PackedTrial, steps: Steps, limit: int) -> Outcome:
        """Train a trial for up to an epoch in a pack of its own, on another one's behalf."""
        features = self._features.union(trial.features)
        with self._here():
            run = self._program(trial, features, 1)
            pack = Pack(run, 1, features, self._place, [trial])
            (shown,) = pack.train({0: steps}, {0: 1}, limit)
            pack.settle()
        self._setups.end(self._signature)
        return trial.outcome(shown.told[0], np.asarray(shown.steps[0]))

    def _settle(self) -> None:
        """Hand the trials of the pack their arrays, if they are older."""
        if self._pack is not None and self._stale:
            self._pack.settle()
        self._stale = False

    def _leave(self) -> None:
        """Give the pack up; its trials keep what they have."""
        self._settle()
        self._pack = None

    def _free(self) -> float | None:
        """Return the bytes that packs may take; None where the device does not say."""
        if self._memory is not None:
            return self._memory
        stats = self._stats()
        return float(stats["bytes_limit"] - stats["bytes_in_use"]) if stats else None

    def _room(self) -> float:
        """Return the bytes that the largest array of an evaluation may take."""
        stats = self._stats()  # all there is, so that programs stay the same
        whole = stats.get("bytes_limit") if self._memory is None else self._memory
        return ROOM if whole is None else SHARE * whole

    def _stats(self) -> Mapping[str, int]:
        """Return what the device says of its memory; nothing where it does not say what it has."""
        stats = self.device.memory_stats() or {}
        return stats if "bytes_limit" in stats else {}

    def _place(self, arrays: Any) -> Any:
        with self._here():  # or doubles would lose half of their digits
            return jax.device_put(arrays, self.device)

    @contextmanager
    def _here(self) -> Iterator[None]:
        with xla.exact(self.device):
            yield

    def _live(self, slot: int) -> PackedTrial:
        if slot not in self._trials:
            raise RuntimeError(f"slot {slot} is empty: call put(slot, recipe, seed, state) first")
        return self._trials[slot]


def _share(begun: float, trials: int) -> float:
    """Return what a call has cost each of its trials."""
    return (time.perf_counter() - begun) / trials
