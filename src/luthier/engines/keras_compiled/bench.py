"""What the other process does: makes networks from their configuration, and trains them."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from luthier.core import Arrays, CaptureError, Curves, Recipe, Rehearsal, State, chunk_rows
from luthier.engines.chunks.tables import Tables
from luthier.engines.chunks.trial import Shape
from luthier.engines.compiled import xla  # it sets JAX's flags
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.program import compile_chunk
from luthier.engines.compiled.trial import JaxTrial
from luthier.engines.keras_compiled.parcel import Parcel, dropout_layers, last_layer

KEPT = 32  # programs in memory


class Bench:
    """Holds data, programs and the trial in progress."""

    def __init__(self) -> None:
        xla.keep_programs()
        self._programs: OrderedDict[tuple[Any, ...], tuple[Lowered, Any]] = OrderedDict()
        self._arrays: Arrays | None = None
        self._tables: Tables | None = None
        self._shape: Shape[Lowered] | None = None
        self._trial: JaxTrial | None = None
        self._kinds: dict[str, str] = {}

    def take_data(self, arrays: Arrays) -> None:
        """Keep a data set until the next one comes."""
        self._arrays = arrays

    def outputs(self, parcel: Parcel, state: State) -> Any:
        """Return a network's outputs for its sample, with the weights of a state."""
        import keras

        from luthier.engines.keras_eager.network import Network

        with xla.exact():
            model = _made(parcel)
            network = Network.of(model, parcel.names, parcel.kernels, "identity")
            outputs = network.evaluate(state.group("weights"), _inputs(parcel))
            return np.array(keras.ops.convert_to_numpy(outputs), np.float64)

    def open(self, parcel: Parcel) -> None:
        """Get ready for a trial."""
        if self._arrays is None:
            raise RuntimeError("open() before take_data()")
        signature = parcel.signature
        wanted = (
            self._arrays.key, signature.precision, signature.loss, chunk_rows(self._arrays)
        )  # fmt: skip
        if self._tables is None or self._tables.key != wanted:
            self._tables = Tables.of(self._arrays, *wanted[1:], xla.placed)
        with xla.exact():
            network, self._kinds = _lowered(parcel)
        key = (parcel.key, tuple(rate > 0 for rate in network.rates))
        if key not in self._programs:
            self._programs[key] = (
                network,
                compile_chunk(network, signature.optimizer, signature.loss),
            )
        self._programs.move_to_end(key)
        while len(self._programs) > KEPT:
            self._programs.popitem(last=False)
        known, run = self._programs[key]
        shared = replace(known, rates=network.rates)
        self._shape = Shape(shared, run, self._tables, signature.batch_size)

    def put(self, recipe: Recipe, seed: int, state: State) -> None:
        """Place a trial."""
        if self._shape is None:
            raise RuntimeError("put() before open(): call open(captured, arrays) first")
        # Seeds have another type on each backend.
        arrays = {
            name: array.astype(self._kinds.get(name.partition("/")[2], array.dtype), copy=False)
            for name, array in state.arrays.items()
        }
        self._trial = JaxTrial(self._shape, recipe, seed, State(arrays, state.extra))

    def run(self, until: Mapping[int, int]) -> dict[int, Curves]:
        """Train to an absolute epoch."""
        trial, curves = self._live(), Curves()
        for epoch in until.values():
            while trial.epochs < epoch and trial.finite:
                curves += trial.train(epoch - trial.epochs)
        return dict.fromkeys(until, curves)

    def rehearse(self, steps: int) -> Rehearsal:
        """Take a few steps with a copy."""
        live = self._live()
        return JaxTrial(live.shape, live.recipe, live.seed, live.state()).rehearse(steps)

    def take(self) -> State:
        """Return the trial's state."""
        return self._live().state()

    def _live(self) -> JaxTrial:
        if self._trial is None:
            raise RuntimeError("the slot is empty: call put(slot, recipe, seed, state) first")
        return self._trial


def _lowered(parcel: Parcel) -> tuple[Lowered, dict[str, str]]:
    """Return a network as functions, and the type of each of its variables."""
    from luthier.engines.keras_eager.backends.on_jax import OnJax
    from luthier.engines.keras_eager.dropout import Keyed, replaced
    from luthier.engines.keras_eager.network import Network

    model, backend = _made(parcel), OnJax()
    network = Network.of(model, parcel.names, parcel.kernels, parcel.link)
    values = {
        name: v.value
        for name, v in zip(
            parcel.names, (*model.trainable_variables, *model.non_trainable_variables), strict=True
        )
    }

    def train(tensors: Any, inputs: tuple[Any, ...], masks: Any) -> tuple[Any, Any, Any]:
        with replaced(Keyed(backend, masks.key, masks.thresholds, masks.scales)):
            outputs, buffers, own = network.train(dict(tensors), inputs)
        return outputs, {name: buffers[name] for name in network.changing}, own

    kinds = {name: str(value.dtype) for name, value in values.items()}
    made = Lowered(
        framework="keras",
        trainable=network.trainable,
        kernels=network.kernels,
        penalised=parcel.penalised,
        updates=network.changing,
        rates=network.rates(backend, values, _inputs(parcel)),
        train=train,
        evaluate=lambda tensors, inputs: network.evaluate(dict(tensors), inputs),
        turned=lambda weights: frozenset(),
    )
    return made, kinds


def _made(parcel: Parcel) -> Any:
    """Make the network from its configuration.

    Raises:
        CaptureError: when that cannot be done here.
    """
    import keras

    try:
        own = {name: getattr(_imported(m, file), name) for m, name, file in parcel.classes}
        with keras.saving.custom_object_scope(own):
            model = keras.saving.deserialize_keras_object(json.loads(parcel.config))
        inputs = _inputs(parcel)
        if not model.built or not model.weights:
            model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)
    except Exception as error:
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise CaptureError(
            f"it cannot be made again from its configuration on JAX ({said})"
        ) from error
    drops = [layer for layer in dropout_layers(model) if hasattr(layer, "rate")]
    for layer, (rate, bare) in zip(drops, parcel.rates, strict=True):
        layer.rate = rate
        if bare:
            object.__setattr__(layer, "seed_generator", None)
    if parcel.bare and hasattr(last := last_layer(model), "activation"):
        last.activation = keras.activations.linear
    if parcel.lifted:
        for variable in model.trainable_variables:
            variable.regularizer = None
    if len(model.trainable_variables) + len(model.non_trainable_variables) != len(parcel.names):
        raise CaptureError("it has other variables when it is made again on JAX")
    return model


def _imported(name: str, file: str) -> Any:
    """Import a module of the user's: by its name, or from the file that it was read from."""
    if name in sys.modules:
        return sys.modules[name]
    try:
        return importlib.import_module(name)
    except ImportError:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


def _inputs(parcel: Parcel) -> tuple[Any, ...]:
    dtype = np.dtype(parcel.signature.precision)
    return tuple(x.astype(dtype) if x.dtype.kind == "f" else x for x in parcel.sample)
