"""From a live Keras model, its data, loss and optimizer to the facts of a `Setup`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import BuilderError, LuthierError, Setup
from luthier.frameworks.keras.inspecting.bench import Bench
from luthier.frameworks.keras.inspecting.experiments import experiment
from luthier.frameworks.keras.inspecting.first_look import cut_off, gradients_of, look, plain_loss
from luthier.frameworks.keras.inspecting.layer_facts import activations, layer_facts
from luthier.frameworks.keras.inspecting.loss_facts import Compiled
from luthier.frameworks.keras.inspecting.machine import backend, compiled
from luthier.frameworks.keras.inspecting.metric_facts import metric_facts
from luthier.frameworks.keras.inspecting.mixing import mixes
from luthier.frameworks.keras.inspecting.net import Net, array, identity, tensors
from luthier.frameworks.keras.inspecting.optimizer_facts import (
    Pace,
    optimizer_facts,
    pace_of,
    schedule_facts,
)
from luthier.frameworks.keras.inspecting.rows import ROWS, Rows, read_rows
from luthier.frameworks.keras.inspecting.untouched import untouched
from luthier.frameworks.keras.watching_penalty import of_weight
from luthier.frameworks.out_of_time import out_of_time

Array = NDArray[Any]
STEPS = 100  # of each short training: enough for a sound one to leave guessing behind
SECONDS = 10.0
_PROBE = 256


def inspect(
    model: Any,
    data: Any,
    *,
    loss_fn: Any = None,
    optimizer: Any = None,
    scheduler: Any = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    steps: int = STEPS,
    seconds: float = SECONDS,
    most: int | None = None,
    seed: int = 0,
) -> Setup:
    """Return the facts of a training before its first step; nothing of the user's is changed.

    Args:
        model: The model, compiled or not.
        data: ``(X, y)`` or a data set of batches of such pairs.
        loss_fn: As `compile` takes it; by default what the model was compiled with.
        optimizer: An optimizer or its name; by default what the model was compiled with.
        scheduler: A schedule, a `LearningRateScheduler`, or a function of the epoch.
        epochs: How many are planned.
        batch_size: Rows of a step, where data is no data set.
        steps: Of each short training of a copy.
        seconds: That they may take in all.
        most: Steps that they may take in all; no limit where it is None.
        seed: Decides their order of rows.

    Raises:
        LuthierError: when model or loss cannot be run on the data at all.
    """
    with untouched(model):
        rows = read_rows(data, batch_size, ROWS, seed)
        given = loss_fn if loss_fn is not None else getattr(model, "loss", None)
        if given is None:
            raise LuthierError(
                "no loss: the model is not compiled, and none was given. Compile it, or pass "
                'loss_fn="sparse_categorical_crossentropy" or any other loss that compile takes.'
            )
        if plain_loss(given) is None:
            raise LuthierError(
                f"the model has {len(given)} losses, but one was expected. Check a model of one "
                "output: keras.Model(model.inputs, model.outputs[0]), with loss_fn=..."
            )
        if isinstance(optimizer, str):
            optimizer = keras.optimizers.get({"class_name": optimizer, "config": {"name": "own"}})
        trains = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        notes: list[str] = []
        net = Net(_built(model, rows, notes))
        loss = Compiled(given)
        per_epoch = max(rows.total // max(rows.batch_size, 1), 1)
        pace = pace_of(scheduler, trains, epochs, per_epoch)
        setup, head, outputs = _seen(net, loss, rows, trains, pace, notes)
        setup = replace(
            setup,
            schedule=schedule_facts(scheduler, trains, epochs, per_epoch),
            epochs=epochs,
            batch_size=rows.batch_size,
            framework="keras",
        )
        if setup.output.finite and not setup.loss.error and net.weights:
            bench = Bench(
                net,
                loss,
                rows,
                trains,
                steps=steps,
                seconds=seconds,
                most=most,
                seed=seed,
                pace=pace,
            )
            experiment(bench, setup, head=head, outputs=outputs)
            setup = replace(setup, fits=dict(bench.fits), steps=bench.spent)
            if bench.left_out:
                notes.append(out_of_time(bench.left_out, len(bench.fits), seconds, most))
            if not bench.fits and bench.failed:
                notes.append(f"no copy could be trained ({bench.failed[0]})")
    return replace(setup, notes=(*setup.notes, *notes))


def rows_of(data: Any, most: int, seed: int) -> tuple[tuple[Array, ...], Array, int]:
    """Return inputs and targets as arrays, and how many rows there are in all."""
    rows = read_rows(data, None, most, seed)
    return rows.inputs, rows.target, rows.total


def _built(model: Any, rows: Rows, notes: list[str]) -> Any:
    """Return the model; of one that has no weights yet, a twin that has."""
    if model.built and (model.variables or not model._flatten_layers(include_self=False)):
        return model
    x = tensors([one[:2] for one in rows.inputs])
    try:
        twin = type(model).from_config(model.get_config())
        twin(x[0] if len(x) == 1 else x)
    except Exception as error:
        raise BuilderError(
            f"the model is not built, and no twin of it could be ({type(error).__name__}: "
            f"{str(error)[:200]}). Call it on a batch first: model(X[:2])."
        ) from error
    notes.append("the model is not built: a twin with weights of its own was looked at")
    return twin


def _seen(
    net: Net, loss: Compiled, rows: Rows, optimizer: Any, pace: Pace, notes: list[str]
) -> tuple[Setup, Any, Array]:
    """Run rows forward and backward."""
    inputs, target = rows.take(np.arange(min(len(rows), _PROBE)))
    seen = look(net, loss, inputs, target)
    head, about = seen.head, seen.loss
    notes += [seen.note] if seen.note else []
    about = replace(about, **_penalties(net))
    facts = replace(seen.facts, mixes_rows=mixes(net, inputs))
    setup = Setup(
        output=facts,
        loss=about,
        metrics=metric_facts(net.model, facts, about, seen.outputs, target),
        activations=activations(seen.made, head),
    )
    grads: Sequence[Array | None] = [None] * len(net.weights)
    if seen.facts.finite and not about.error:
        grads = gradients_of(net, loss, inputs, target)
        setup = replace(setup, affine=_affine(net, head, inputs))
    cut = cut_off(net, seen.made, grads)
    if backend() == "jax" and any(one is not None and not one.any() for one in grads):
        notes.append("on JAX a weight that no gradient reaches has one of zero: not told apart")
    setup = replace(
        setup,
        layers=layer_facts(net.model, net.weights, seen.made, grads),
        optimizer=optimizer_facts(optimizer, net.model, cut, pace),
    )
    return setup, head, seen.outputs


def _penalties(net: Net) -> dict[str, Any]:
    """Return the penalty on the weights: what it adds, and its factor where that is one."""
    held = net.model.trainable_variables
    about = [(v.regularizer, w) for v, w in zip(held, net.weights, strict=True) if v.regularizer]
    size = math.fsum(of_weight(one, w) for one, w in about)
    kinds = {(float(getattr(one, "l1", 0.0)), float(getattr(one, "l2", 0.0))) for one, _ in about}
    found: dict[str, Any] = {"penalty_initial": size, "penalty_apart": True}
    if len(kinds) == 1:
        l1, l2 = kinds.pop()
        if not (l1 and l2) and (l1 or l2):
            found |= {"penalty_power": 2 if l2 else 1, "penalty_rate": l2 or l1}
    return found


def _affine(net: Net, head: Any, inputs: Sequence[Array]) -> bool | None:
    """Tell whether points on a line go to points on a line, the last activation left out."""
    x = inputs[0]
    if len(inputs) != 1 or x.dtype.kind != "f" or len(x) < 4:
        return None
    half = len(x) // 2
    a, b = x[:half], x[half : 2 * half]
    instead = [] if head is None else [(head, identity)]

    def outputs(weights: list[Any], others: list[Any], given: list[Any]) -> Any:
        with net.changed(instead):
            return net.call(weights, others, given, training=False)[0]

    run, weights, others = compiled(outputs), tensors(net.weights), tensors(net.others)

    def of(rows: Array) -> Array:
        return array(run(weights, others, tensors([rows.astype(x.dtype)]))).astype(np.float64)

    try:
        fa, fb = of(a), of(b)
        size = float(np.abs(fa - fb).max())
        gaps = [
            float(np.abs(of(s * a + (1 - s) * b) - s * fa - (1 - s) * fb).max())
            for s in (0.5, 3.0, -2.0)
        ]
    except Exception:
        return None
    return max(gaps) <= 1e-3 * size if size > 0 else None
