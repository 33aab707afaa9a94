"""The Keras engine: trains a network on the user's backend; other engines are held to it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keras import ops

from luthier.catalog import losses, optimizers
from luthier.core import Arrays, Captured, Curves, Recipe, Rehearsal, State
from luthier.engines.keras_eager.backends import running
from luthier.engines.keras_eager.network import Network
from luthier.engines.keras_eager.program import epoch_of
from luthier.engines.keras_eager.tables import Tables
from luthier.engines.keras_eager.training import Programs, Training

KEPT = 32  # programs in memory; each holds a network


class KerasEager:
    """Trains one network after another on the backend of this process.

    An epoch is one program where the backend has programs (TensorFlow's graphs, JAX); trials that
    share a signature share it.
    """

    name = "keras_eager"
    slots = 1

    def __init__(self) -> None:
        self._backend = running()
        self._programs: OrderedDict[tuple[Any, ...], Programs] = OrderedDict()
        self._captured: Captured | None = None
        self._tables: Tables | None = None
        self._training: Training | None = None

    def refuses(self, captured: Captured, recipe: Recipe) -> str | None:
        """Return why a network cannot be trained: one of another framework, or in bfloat16."""
        if captured.framework != "keras":
            return f"it is a {captured.framework} network, and this engine trains Keras"
        if recipe.precision == "bfloat16":
            return "it does not compute in bfloat16: write `precision: float32`"
        return None

    def setup_seconds(self, captured: Captured) -> float:
        """Return 0: what is traced or compiled here, `model.fit` would trace and compile, too."""
        return 0.0

    def clock(self) -> float:
        """Return the time that this process has computed."""
        return time.process_time()

    def open(self, captured: Captured, arrays: Arrays) -> None:
        """Get ready for trials of one signature; tables are kept while the arrays stay."""
        self._captured = captured
        wanted = (arrays.key, captured.recipe.precision, captured.signature.loss)
        if self._tables is None or self._tables.key != wanted:
            self._tables = Tables.of(arrays, *wanted[1:])

    def put(self, slot: int, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial in the one slot."""
        with self._backend.session():
            self._training = self._begun(recipe, seed, state)

    def run(self, until: Mapping[int, int]) -> Mapping[int, Curves]:
        """Train the slot to an absolute epoch, or to the first epoch that is not finite."""
        training = self._live()
        curves = Curves()
        with self._backend.session():
            for epoch in until.values():
                while training.epochs < epoch and training.finite:
                    curves += training.epoch()
        return dict.fromkeys(until, curves)

    def rehearse(self, slot: int, steps: int) -> Rehearsal:
        """Take a few steps with a copy of the slot's trial."""
        live = self._live()
        with self._backend.session():
            copy = Training(
                self._backend,
                live.programs,
                live.rates,
                live.loss_name,
                live.tables,
                live.recipe,
                live.seed,
                live.state(),
            )
            return copy.rehearse(steps)

    def take(self, slot: int) -> State:
        """Return weights, best weights, averages, moments and counters."""
        with self._backend.session():
            return self._live().state()

    def _begun(self, recipe: Recipe, seed: int, state: State) -> Training:
        captured, tables = self._captured, self._tables
        if captured is None or tables is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        names = tuple(captured.initial.group("weights"))
        model = captured.make()
        network = Network.of(model, names, captured.kernels, captured.link)
        values = {n: ops.convert_to_tensor(v) for n, v in state.group("weights").items()}
        sample = tuple(ops.convert_to_tensor(x[:2]) for x in tables.train.inputs)
        rates = network.rates(self._backend, values, sample)
        key = (
            # Rates are computed outside, and data are passed in.
            replace(captured.signature, schedule="", arrays=""),
            recipe.ema is not None,
            bool(recipe.mixup),
            tuple(r > 0 for r in rates),
            captured.penalised,
            captured.link,
        )
        if key not in self._programs:
            self._programs[key] = self._compiled(network, captured, recipe)
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT:
            self._programs.popitem(last=False)
        loss = captured.signature.loss
        return Training(
            self._backend, self._programs[key], rates, loss, tables, recipe, seed, state
        )

    def _compiled(self, network: Network, captured: Captured, recipe: Recipe) -> Programs:
        penalised = captured.kernels if captured.penalised is None else captured.penalised
        epoch = epoch_of(
            self._backend,
            network,
            optimizers.by_name(recipe.optimizer, "keras"),
            losses.by_name(captured.signature.loss),
            penalised,
            mixes=bool(recipe.mixup),
        )
        return Programs(
            network, self._backend.compiled(epoch), self._backend.compiled(network.evaluate)
        )

    def _live(self) -> Training:
        if self._training is None:
            raise RuntimeError("the slot is empty: call put(slot, recipe, seed, state) first")
        return self._training
