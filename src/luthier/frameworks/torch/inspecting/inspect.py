"""From a live network, its data, loss and optimizer to the facts of a `Setup`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.utils.data import DataLoader, Dataset

from luthier.core import LossFacts, Setup
from luthier.frameworks.out_of_time import out_of_time
from luthier.frameworks.torch.inspecting.affordable import LEAST, PASSES, rows_to_look_at
from luthier.frameworks.torch.inspecting.bench import Bench, probe_of
from luthier.frameworks.torch.inspecting.bypass import Instead, Recorder, identity
from luthier.frameworks.torch.inspecting.experiments import experiment
from luthier.frameworks.torch.inspecting.fitting import Uncopied
from luthier.frameworks.torch.inspecting.graph_ops import nonlinear, op_of
from luthier.frameworks.torch.inspecting.layer_facts import Watch, layer_facts
from luthier.frameworks.torch.inspecting.loss_calls import LossCalls
from luthier.frameworks.torch.inspecting.loss_facts import Penalty, loss_facts, penalty_of
from luthier.frameworks.torch.inspecting.mixing import mixes, time_first
from luthier.frameworks.torch.inspecting.objective import Objective, uncompiled
from luthier.frameworks.torch.inspecting.optimizer_facts import (
    course_of,
    optimizer_facts,
    schedule_facts,
)
from luthier.frameworks.torch.inspecting.output_facts import output_facts, target_facts
from luthier.frameworks.torch.inspecting.pairing import paired
from luthier.frameworks.torch.inspecting.rows import (
    ROWS,
    Batches,
    Rows,
    as_numpy,
    read_batches,
    read_rows,
)
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch
from luthier.frameworks.torch.inspecting.untouched import untouched
from luthier.frameworks.torch.seeded import seeded

_LOOKING = 0.25  # of the time: looking comes before copies are trained
_READING = 0.25  # of the time, where rows come from a data set or a loader
STEPS = 100  # of each short training: enough for a sound one to leave guessing behind
SECONDS = 10.0


def inspect(
    model: nn.Module,
    data: Any,
    *,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    loss: Callable[[nn.Module, Any], Any] | None = None,
    optimizer: Any = None,
    scheduler: Any = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    rows_in_all: int | None = None,
    steps: int = STEPS,
    seconds: float = SECONDS,
    most: int | None = None,
    seed: int = 0,
) -> Setup:
    """Return the facts of a training before its first step; nothing of the user's is changed.

    Args:
        model: The network.
        data: ``(X, y)``, a data set or a loader; with `loss`, batches of any kind.
        loss_fn: Takes outputs and targets.
        loss: Takes the network and a batch; instead of `loss_fn`.
        optimizer: What will train; several in a list.
        scheduler: What will set its rate.
        epochs: How many are planned.
        batch_size: Rows of a step, where data is no loader.
        rows_in_all: Rows of the data, where `data` holds some of them.
        steps: Of each short training of a copy.
        seconds: That all of it may take. A slow network is looked at with fewer rows, and trained
            for fewer steps; what does not fit into the rest of the time is not begun, and named.
        most: Steps that all short trainings may take together; what does not fit is named, too.
        seed: Decides their order of rows.

    Raises:
        LuthierError: when network or loss cannot be run on the data at all.
    """
    clock = Stopwatch()
    model, loss_fn, loss = map(uncompiled, (model, loss_fn, loss))
    objective = Objective(loss_fn, loss)
    optimizers = list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]
    optimizers = [one for one in optimizers if one is not None]
    notes: list[str] = []
    kept = [model, *_modules_of(loss if loss_fn is None else loss_fn)]
    # What torch warns of, such as shapes that broadcast, is for rules to say.
    with untouched(kept, [data]), seeded(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if any(isinstance(p, UninitializedParameter) for p in model.parameters()):
            model = _settled(model, data)
            optimizers = []
            notes.append("lazy layers: the optimizer was not looked at")
        if not model.training:
            model.train()
        objective, found = _read(model, objective, data, batch_size or 32, seed, seconds)
        looked: int | None = None
        if isinstance(found, Rows):
            looked, took = rows_to_look_at(model, objective, found, _LOOKING * seconds)
            brief = looked <= LEAST < len(found) and took * PASSES > _LOOKING * seconds
            setup, last_call, about = _seen_rows(
                model, objective, found, optimizers, looked=looked, brief=brief
            )
            if brief:
                notes.append(
                    f"{looked} rows take {took:.1f} s: whether rows mix, and whether the network "
                    "is a line, was not asked"
                )
        else:
            setup, last_call, about = _seen_batch(model, objective, found, optimizers)
        setup = replace(
            setup,
            schedule=schedule_facts(scheduler, optimizers, epochs),
            epochs=epochs,
            batch_size=found.batch_size,
        )
        # Of a batch nobody knows how many there are of its kind.
        held = len(found) if isinstance(found, Rows) else 0
        total = rows_in_all or (_length(data) or held if found.batch_size else 0)
        by, course = (
            (1.0, ())
            if setup.schedule.foreign
            else course_of(scheduler, epochs, -(-total // max(found.batch_size, 1)))
        )
        rates = tuple(by * rate for rate in setup.optimizer.learning_rates)
        setup = replace(setup, optimizer=replace(setup.optimizer, learning_rates=rates))
        runnable = setup.output.finite and not setup.loss.error
        if runnable:
            try:
                bench = Bench(
                    model,
                    objective,
                    found,
                    optimizers[0] if len(optimizers) == 1 else None,
                    steps=steps,
                    seconds=seconds,
                    most=most,
                    seed=seed,
                    rows=looked,
                    by=by,
                    course=course,
                    clock=clock,
                )
                if not bench.steps and bench.pace:
                    notes.append(
                        f"one step takes {bench.pace:.2g} s here: no copy was trained; "
                        f"seconds={max(200 * bench.pace, 2 * seconds):.0f} may do"
                    )
                experiment(bench, setup, last_call=last_call, penalised=about, rows_in_all=total)
                setup = replace(setup, fits=dict(bench.fits), steps=bench.spent)
                if bench.left_out:
                    notes.append(out_of_time(bench.left_out, len(bench.fits), seconds, most))
            except Uncopied as error:
                notes.append(f"the network cannot be copied ({error}): no copy was trained")
    return replace(setup, notes=(*setup.notes, *notes))


def rows_of(data: Any, most: int, seed: int) -> tuple[tuple[Any, ...], Any, int]:
    """Return inputs and targets as arrays, and how many rows there are in all.

    Raises:
        DataError: for data that hold no pairs.
    """
    with untouched([], [data]), seeded(seed):
        rows = read_rows(data, None, 32, most, seed)
    inputs, target = as_numpy(rows)
    return tuple(inputs), target, _length(data) or len(rows)


def _read(
    model: nn.Module, objective: Objective, data: Any, batch_size: int, seed: int, seconds: float
) -> tuple[Objective, Rows | Batches]:
    """Return loss and data: as rows, wherever the loss turns out to be one of pairs of them."""
    if not objective.paired:
        known = None
        if isinstance(data, DataLoader):  # of one batch alone there may be too few rows
            known = paired(model, objective, read_batches(data, 1).items[0])
        if known is None:
            return objective, read_batches(data)
        objective = known
    return objective, read_rows(data, model, batch_size, ROWS, seed, _READING * seconds)


Seen = tuple[Setup, int | None, frozenset[int]]


def _seen_rows(
    model: nn.Module,
    objective: Objective,
    rows: Rows,
    optimizers: Sequence[Any],
    *,
    looked: int,
    brief: bool,
) -> Seen:
    """Run rows forward and backward through the user's own network.

    Args:
        model: The user's.
        objective: The user's loss.
        rows: The user's data.
        optimizers: The user's.
        looked: How many rows to look at it with.
        brief: Leave out what takes many forward passes.
    """
    inputs, target = probe_of(rows, looked)
    watch, recorder = Watch(model), Recorder()
    try:
        with recorder:
            output = objective.outputs(model, inputs)
    finally:
        watch.remove()
    if not isinstance(output, Tensor):
        plain = objective.of(output, target)
        return _finished(model, plain, None, watch, optimizers, Setup())
    made, dropped = recorder.undropped(output)
    facts = replace(
        output_facts(output, target, op_of(made)),
        dropout=dropped,
        mixes_rows=None if brief else mixes(model, objective, inputs),
        time_first=time_first(model),
        input_shape=tuple(inputs[0].shape),
        whole_inputs=not inputs[0].is_floating_point(),
    )
    about = loss_facts(objective, output, target, facts.op) if facts.finite else LossFacts()
    setup = Setup(
        output=facts,
        loss=about,
        activations=nonlinear(output),
        affine=None if brief else _affine(model, objective, inputs, recorder.last(made)),
    )
    if about.error or not facts.finite:
        optimizer = optimizer_facts(optimizers, model, output.sum(), model, watch.order)
        return replace(setup, optimizer=optimizer), None, frozenset()
    loss = objective.of(output, target)
    setup, _, held = _finished(model, loss, output, watch, optimizers, setup)
    return setup, recorder.last(made), held


def _seen_batch(
    model: nn.Module, objective: Objective, data: Batches, optimizers: Sequence[Any]
) -> Seen:
    """Run a batch through the user's own network and loss.

    Where the loss turns out to be one that PyTorch knows, and nothing else, all that is asked of
    outputs and targets is asked here, too.
    """
    returned: list[Any] = []
    watch, recorder = Watch(model), Recorder()
    handle = model.register_forward_hook(lambda *call: returned.append(call[-1]))
    try:
        with LossCalls() as calls, recorder:
            loss = objective(model, data.items[0])
    finally:
        handle.remove()
        watch.remove()
    output = returned[0] if len(returned) == 1 and isinstance(returned[0], Tensor) else None
    setup = Setup(loss=calls.told(LossFacts(initial=float(loss.detach()))))
    pair = calls.pair(loss)
    if pair is None:
        return _finished(model, loss, output, watch, optimizers, setup)
    made, dropped = recorder.undropped(pair.outputs)
    facts = replace(output_facts(pair.outputs, pair.target, op_of(made)), dropout=dropped)
    if facts.finite:
        about = loss_facts(pair.objective, pair.outputs, pair.target, facts.op)
        seen = target_facts(pair.target)
        setup = Setup(data=seen, output=facts, loss=about, few_rows=facts.shape[0])
    setup, _, held = _finished(model, loss, output, watch, optimizers, setup)
    return setup, recorder.last(made), held


def _finished(
    model: nn.Module,
    loss: Tensor,
    output: Tensor | None,
    watch: Watch,
    optimizers: Sequence[Any],
    setup: Setup,
) -> Seen:
    """Add what the gradients tell."""
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    grads: dict[str, Tensor | None] = dict.fromkeys(named)
    penalty = Penalty()
    if loss.requires_grad and named:
        penalty = penalty_of(model, model, loss, output)
        facts = replace(
            setup.loss,
            penalty=penalty.share,
            penalty_power=penalty.power,
            penalty_rate=penalty.rate,
            penalty_initial=penalty.size,
        )
        setup = replace(setup, loss=facts)
        found = torch.autograd.grad(
            loss, list(named.values()), retain_graph=True, allow_unused=True
        )
        grads = dict(zip(named, found, strict=True))
    optimizer = optimizer_facts(optimizers, model, loss, model, watch.order)
    layers = layer_facts(model, watch, grads)
    return replace(setup, optimizer=optimizer, layers=layers), None, penalty.about


def _affine(
    model: nn.Module, objective: Objective, inputs: tuple[Tensor, ...], last: int | None
) -> bool | None:
    """Tell whether points on a line go to points on a line, the last activation left out."""
    if len(inputs) != 1 or not inputs[0].is_floating_point() or len(inputs[0]) < 4:
        return None
    half = len(inputs[0]) // 2
    a, b = inputs[0][:half], inputs[0][half : 2 * half]
    modes = {module: module.training for module in model.modules()}
    model.eval()

    def of(x: Tensor) -> Tensor:
        with torch.no_grad(), Instead(identity, -1 if last is None else last):
            output: Tensor = objective.outputs(model, (x,))
        return output.double()

    try:
        fa, fb = of(a), of(b)
        size = float((fa - fb).abs().max())
        gaps = [
            float((of(s * a + (1 - s) * b) - s * fa - (1 - s) * fb).abs().max())
            for s in (0.5, 3.0, -2.0)
        ]
    except Exception:
        return None
    finally:
        for module, training in modes.items():
            module.training = training
    return max(gaps) <= 1e-3 * size if size > 0 else None


def _settled(model: nn.Module, data: Any) -> nn.Module:
    """Return a copy of a network with lazy layers, after they have learnt their sizes."""
    twin = copy.deepcopy(model)
    rows = read_rows(data, None, 2, 4, 0)
    with torch.no_grad():
        twin(*rows.inputs)
    return twin


def _modules_of(function: Any) -> list[nn.Module]:
    """Return the modules that a loss is, or that a function of the user's holds on to."""
    if isinstance(function, nn.Module):
        return [function]
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return [
        one for one in (*cells, getattr(function, "__self__", None)) if isinstance(one, nn.Module)
    ]


def _length(data: Any) -> int | None:
    """Return how many rows there are in all."""
    if isinstance(data, (tuple, list)) and len(data) == 2 and hasattr(data[1], "__len__"):
        return len(data[1])
    try:  # one that yields its rows has no length
        held: Any = data if isinstance(data, Dataset) else data.dataset
        return len(held)
    except (AttributeError, TypeError):
        return None
