"""An epoch of a pack, compiled: its training and its evaluation, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np

from luthier.engines.chunks.exchange import Steps
from luthier.engines.chunks.trial import MOST
from luthier.engines.packed.evaluation import COMPILED_WITH, Shown, evaluation_program
from luthier.engines.packed.metrics import Truth
from luthier.engines.packed.program import Epoch, Features, Lanes, training_program
from luthier.engines.packed.trial import PackedTrial


class CompiledEpoch(NamedTuple):
    """An epoch of so many lanes.

    Attributes:
        run: From lanes and what they are given to their carry and what was shown.
        needed: Bytes that it takes.
        training: The program of its steps, for whoever wants to look into it.
        evaluation: The program of what is shown after them, likewise.
    """

    run: Callable[[Lanes, Epoch], tuple[Any, Shown]]
    needed: float
    training: Any
    evaluation: Any


def compiled_epoch(
    trial: PackedTrial, features: Features, size: int, truth: Truth, device: Any, room: float
) -> CompiledEpoch:
    """Compile an epoch, where numbers are as wide as they say (`xla.exact`).

    Its two programs have options of their own, and compile at once.

    Args:
        trial: One of those that will train; it says all that they share.
        features: What any of them needs.
        size: Lanes.
        truth: What metrics compare outputs with.
        device: Where it will run.
        room: Bytes for the largest array of an evaluation.
    """
    tables, shape = trial.shape.tables, trial.shape
    network, loss = shape.network, tables.key[2]
    place = jax.sharding.SingleDeviceSharding(device)
    described: Any = jax.ShapeDtypeStruct  # untyped there

    def like(tree: Any, *front: int) -> Any:
        return jax.tree.map(lambda a: described((*front, *a.shape), a.dtype, sharding=place), tree)

    carry, fixed = trial.packed(features)
    weight = like(tables.train.weight, *((size,) if features.weighs else ()))
    each: Any = like((carry, fixed, trial.settings, trial.draws, trial.order), size)
    lanes = Lanes(*[*each, weight])
    numbers = Steps(np.uint32(0), np.zeros((shape.steps, 3)))
    given = like(Epoch(numbers, np.int64(0), np.int64(0)), size)
    shared, rows = (tables.train.inputs, tables.train.target), tables.rows

    steps: Any = training_program(network, trial.recipe.optimizer, loss, features, shape.batch_size)
    looks: Any = evaluation_program(network, loss, tables.task, room)
    training = jax.jit(steps).lower(lanes, *like(shared), given)
    ended = like(training.out_info)
    evaluation = jax.jit(looks).lower(lanes.fixed, ended, *like((rows, truth)))
    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(compiled_with, evaluation, COMPILED_WITH)
        train, look = training.compile(), other.result()

    def run(lanes: Lanes, epoch: Epoch) -> tuple[Any, Shown]:
        ended = train(lanes, *shared, epoch)
        told, outputs = look(lanes.fixed, ended, rows, truth)
        return ended.carry, Shown(told, ended.steps, outputs)

    kept = (evaluation.out_info, ended.steps, ended.carry.buffers, ended.carry.weights)
    needed = _taken(train) + _taken(look) + _bytes(lanes) + MOST * _bytes(kept)
    return CompiledEpoch(run, needed, train, look)


def compiled_with(lowered: Any, options: Mapping[str, Any]) -> Any:
    """Compile a program; an option that this XLA does not know is left out."""
    try:
        return lowered.compile(compiler_options=dict(options))
    except jax.errors.JaxRuntimeError as error:
        if "No such compile option" not in str(error):
            raise
        return lowered.compile()


def _bytes(tree: Any) -> float:
    return float(sum(np.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(tree)))


def _taken(compiled: Any) -> float:
    """Return the bytes that a program needs while it runs, and what it returns."""
    about = compiled.memory_analysis()
    if about is None:
        return 0.0
    return float(about.temp_size_in_bytes + about.output_size_in_bytes)
