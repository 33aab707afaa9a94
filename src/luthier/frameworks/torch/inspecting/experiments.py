"""Which copies are tried: the network as it is, and one change at a time where there is a sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.catalog import optimizers
from luthier.core import BuilderError, Setup
from luthier.frameworks.torch.inspecting.as_classes import as_classes
from luthier.frameworks.torch.inspecting.bench import RATES, Bench, one_of, planned_steps
from luthier.frameworks.torch.inspecting.bypass import Instead, identity
from luthier.frameworks.torch.inspecting.columns import columns
from luthier.frameworks.torch.inspecting.dropped import dropped
from luthier.frameworks.torch.inspecting.fitting import peak_rate
from luthier.frameworks.torch.inspecting.layer_facts import reinitialised
from luthier.frameworks.torch.inspecting.loss_facts import NUMBERS, guess_of
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Batch, Rows
from luthier.frameworks.torch.inspecting.scales import (
    ranged,
    scaled_inputs,
    scaled_target,
    standard,
)

_BOUNDED = ("softmax", "log_softmax", "sigmoid", "relu", "tanh", "hardtanh", "hardsigmoid")
# A decoupled decay: steps as long as the rate hold no weight above one over it. MLPs on digits have
# an accuracy of 0.91 without, 0.90 with 1, 0.86 with 3 and 0.64 with 10.
_HOLDING = 3.0
_FAINT = 1e-3  # first layer's gradient over the last one's: each of ten sigmoids takes 3/4 away
_HIGH_MOMENTUM = 0.99  # averages over more than a hundred steps
# Above these a rate is tried against a lower one: what the catalog searches ends there.
_RATE = {one.name: one.learning_rates.high for one in optimizers.ALL}
_LITTLE = 0.15  # of all there is: what no other rate can bring that a rule would speak of
_LONGER = 6.0  # times the steps of other fits
_SHORTEST = 4  # steps of a sequence that has a beginning and an end
_FEW, _MORE = 4, 16  # rows of a step: too few to normalise by, and enough
_NOTHING = 0.1  # of all there is: less with any rate, and other initial weights are tried
_LOST = 0.5  # of all there is: less after all planned steps, and the same way is tried otherwise


def experiment(
    bench: Bench,
    setup: Setup,
    *,
    last_call: int | None,
    penalised: frozenset[int],
    rows_in_all: int,
) -> None:
    """Try what there is a reason to try; the results are in the bench.

    Args:
        bench: Holds network, loss and rows.
        setup: What was measured without training.
        last_call: Number of the activation that makes the outputs.
        penalised: Positions of the weights that the loss has a penalty on.
        rows_in_all: Rows of the user's data, of which the bench may have some.
    """
    loss = setup.loss
    if loss.guess is not None and loss.floor is not None:
        bench.enough = loss.floor + _LITTLE * (loss.guess - loss.floor)
    bench.run("own")
    bench.best("adam")
    if "adam" in bench.fits:
        own = bench.fits.get("own")
        if own is not None and own.last < bench.fits["adam"].last:
            bench.fits["adam"] = own
    # What is told most often comes first: a slow network leaves time for little.
    if setup.epochs:
        _whole_run(bench, setup, rows_in_all)
    rows = isinstance(bench.data, Rows)
    _output(bench, setup, last_call)  # where there is a sign of it, it is hardly ever wrong
    _right_output(bench, setup, last_call)
    if isinstance(bench.data, Rows):
        _scales(bench, setup, bench.data)
    _rates(bench, setup)
    if rows:
        _penalty(bench, setup, penalised)
    dropped(bench, setup, rows_in_all)
    if setup.optimizer.missing and setup.optimizer.held and not setup.optimizer.head_missing:
        bench.run("all_weights", everything=True)
    _one_batch(bench, setup)
    if rows:
        _start(bench, setup, last_call)
        columns(bench, setup, rows_in_all)
        _losses(bench, setup, last_call)
        _layout(bench, setup)
        _backwards(bench, setup)
        as_classes(bench, setup)
        _few_rows(bench)
    _settings(bench, setup)
    if setup.epochs and (learned(bench, setup, "adam") or 0.0) < _LOST:
        _longer(bench)


def _longer(bench: Bench) -> None:
    """Give Adam more steps where few are not enough; what it learns then can be learnt."""
    for rate in RATES:
        bench.run("adam_longer", rate=rate, longer=_LONGER)


def learned(bench: Bench, setup: Setup, name: str) -> float | None:
    """Return what a fit learnt of all there is, as `Setup.learned`."""
    return replace(setup, fits=bench.fits).learned(name)


def _one_batch(bench: Bench, setup: Setup) -> None:
    batch, guess, aim = one_of(bench.data), None, None
    if isinstance(bench.data, Rows) and setup.loss.guess is not None:
        try:
            with torch.no_grad():
                output = bench.objective.outputs(bench.model, batch[0])
        except BuilderError:
            return  # it takes whole batches alone, as one of the nodes of a graph does
        guess = guess_of(bench.objective, setup.loss.kind, output, batch[1])
    floor = setup.loss.floor
    if guess is not None and floor is not None:
        aim = floor + 0.1 * (guess - floor)
    for rate in (1e-2, 1e-3):
        found = bench.run("one_batch", rate=rate, batch=batch, guess=guess, aim=aim, longer=2.0)
        if found is not None and aim is not None and found.last <= aim:
            return


def _output(bench: Bench, setup: Setup, last_call: int | None) -> None:
    taken = setup.loss.kind in ("bce", "shares", "nll")
    if setup.output.op not in _BOUNDED or taken or last_call is None:
        return
    bench.best("no_output_activation", mode=lambda: Instead(identity, last_call))


def _right_output(bench: Bench, setup: Setup, last_call: int | None) -> None:
    """Give a loss of shares the outputs that it takes."""
    right = {"shares": "softmax", "bce": "sigmoid"}.get(setup.loss.kind)
    if right is None or setup.output.op in (right, "other", "hardsigmoid"):
        return
    turned: Callable[[Tensor], Tensor] = torch.sigmoid if right == "sigmoid" else _softmax
    if last_call is not None:
        bench.best("right_output_activation", mode=lambda: Instead(turned, last_call))
    elif setup.output.op == "none" and bench.objective.paired:
        other = Objective(lambda outputs, target: bench.objective.of(turned(outputs), target))
        bench.best("right_output_activation", objective=other)


def _softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def _scales(bench: Bench, setup: Setup, rows: Rows) -> None:
    """Learn standardised inputs, standardised targets, and both, where they are far from it.

    Where all planned steps lead nowhere, the same way is gone with them: a low rate does not get
    far within a short training, whatever the scale.
    """
    x, y = rows.inputs[0], rows.target
    inputs = (
        scaled_inputs(x)
        if len(rows.inputs) == 1 and x.is_floating_point() and not standard(x)
        else None
    )
    target = scaled_target(setup.loss.kind, y)
    changed: dict[str, Rows] = {}
    if inputs is not None:
        changed["standard_inputs"] = replace(rows, inputs=(inputs,))
        if x.ndim > 2 or float(x.min()) >= 0.0:  # pixels between 0 and 1 are a smaller step
            changed["ranged_inputs"] = replace(rows, inputs=(ranged(x),))
    if target is not None:
        changed["standard_targets"] = replace(rows, target=target)
    if inputs is not None and target is not None:
        changed["standard_both"] = replace(rows, inputs=(inputs,), target=target)
    whole = bench.fits.get("whole_run")
    lost = whole is not None and (learned(bench, setup, "whole_run") or 0.0) < _LOST
    for name, data in changed.items():
        guess = None
        if data.target is not rows.target:
            with torch.no_grad():
                output = bench.objective.outputs(bench.model, rows.inputs)
            guess = guess_of(bench.objective, setup.loss.kind, output, data.target)
        bench.own_or_adam(name, data=data, guess=guess)
        sane = (learned(bench, setup, name) or 0.0) > -_LOST  # its rate is none that runs away
        if whole is not None and lost and sane and math.isfinite(whole.last):
            own = bench.fits.get("own")
            by = whole.rate / own.rate if own is not None and own.rate > 0 else 1.0
            bench.run(f"{name}_whole", by=by, data=data, guess=guess)
    if inputs is not None and (learned(bench, setup, "adam") or 0.0) < _LOST:
        bench.best("standard_inputs_adam", data=changed["standard_inputs"])


def _start(bench: Bench, setup: Setup, last_call: int | None) -> None:
    """Try other initial weights, and activations that do not saturate, where there is a sign."""
    alike = any(layer.same_units and layer.same_gradients for layer in setup.layers)
    loss, fitted = setup.loss, learned(bench, setup, "one_batch")
    stuck = fitted is not None and fitted < 0.5
    grads = [layer.gradient for layer in setup.layers if layer.gradient is not None]
    faint = len(grads) > 1 and grads[0] < _FAINT * max(grads)
    scales = [layer.output_scale for layer in setup.layers if layer.reached]
    wild = bool(scales) and not 1e-3 < max(scales) < 1e2
    wild = wild or min(scales[:-1], default=1.0) < 1e-3  # the last layer may begin at zero
    high = (
        loss.initial is not None and loss.guess is not None and loss.floor is not None
        and loss.initial - loss.floor > 3.0 * (loss.guess - loss.floor)
    )  # fmt: skip
    sound = learned(bench, setup, "adam")
    nothing = sound is not None and sound < _NOTHING
    bends = bool({"Sigmoid", "Tanh", "Softmax"} & setup.activations.keys())

    def unsaturated() -> None:
        spared = last_call if last_call is not None else -1
        mode = lambda: Instead(torch.relu, None, spared)  # noqa: E731
        bench.best("unsaturated", change=reinitialised, mode=mode)

    if faint and bends:  # the likelier reason is asked first: time may be short
        unsaturated()
    if alike or stuck or faint or wild or high or nothing:
        bench.own_or_adam("reinitialised", change=reinitialised)
        bench.best("reinitialised_adam", change=reinitialised)
        whole, own = bench.fits.get("whole_run"), bench.fits.get("own")
        if high and whole is not None and own is not None and own.rate > 0:
            by = whole.rate / own.rate
            bench.run("reinitialised_whole", by=by, change=reinitialised)
    if stuck and bends and not faint:
        unsaturated()


def _penalty(bench: Bench, setup: Setup, penalised: frozenset[int]) -> None:
    """Learn with and without the penalty, where it is more than all that is to be learnt."""
    loss, decay = setup.loss, float(setup.optimizer.settings.get("weight_decay", 0.0))
    coupled = setup.optimizer.kind not in ("adamw", "lion") and decay > 0
    if not coupled and decay >= _HOLDING and bench.optimizer is not None:
        by = max(1.0, 1e-2 / max(peak_rate(group) for group in bench.optimizer.param_groups))
        bench.run("penalised", by=by, longer=3.0)
        bench.run("unpenalised", by=by, longer=3.0, weight_decay=0.0)
        return
    factor = loss.penalty_rate + (decay / 2 if coupled else 0.0)
    if factor <= 0 or loss.guess is None or loss.floor is None:
        return
    about = penalised or frozenset(range(len(list(bench.model.parameters()))))
    power = loss.penalty_power or 2
    if factor * float(_sum(bench.model, about, power)) < loss.guess - loss.floor:
        return
    # Within the loss it is there already; what is outside of it is added to Adam's.
    inside = loss.penalty_rate > 0 and not bench.objective.paired
    extra: Callable[[nn.Module], Tensor] | None = (
        None if inside else lambda twin: factor * _sum(twin, about, power)
    )
    bench.run("penalised", rate=1e-2, penalty=extra, longer=3.0)
    if not inside:
        bench.run("unpenalised", rate=1e-2, longer=3.0)


def _losses(bench: Bench, setup: Setup, last_call: int | None) -> None:
    """Try another loss, where the one at hand is of another kind than the targets."""
    output, kind = setup.output, setup.loss.kind
    if setup.loss.sums and bench.optimizer is not None and bench.data.batch_size > 1:
        count = bench.data.batch_size
        bench.run("mean_loss", teacher=lambda twin, batch: bench.objective(twin, batch) / count)
    if kind not in NUMBERS or len(output.shape) != 2 or output.shape != output.target_shape:
        return
    if output.target_type != "shares":
        return

    def entropy(twin: nn.Module, batch: Batch) -> Tensor:
        inputs, target = batch
        with Instead(identity, -1 if last_call is None else last_call):
            return functional.cross_entropy(bench.objective.outputs(twin, inputs), target)

    if output.op in ("softmax", "sigmoid"):
        bench.run("cross_entropy", teacher=entropy)


def _layout(bench: Bench, setup: Setup) -> None:
    """Read outputs as (rows, words, classes), where (rows, classes, words) learns little."""
    shape, target = setup.output.shape, setup.output.target_shape
    if setup.loss.kind not in ("cross_entropy", "nll") or len(shape) < 3:
        return
    if setup.output.target_type != "classes" or target != (shape[0], *shape[2:]):
        return
    if (learned(bench, setup, "adam") or 0.0) >= _LOST:
        return

    def moved(outputs: Tensor, target: Tensor) -> Tensor:
        classes = outputs.shape[1]
        return bench.objective.of(
            outputs.reshape(len(outputs), *outputs.shape[2:], classes).movedim(-1, 1), target
        )

    bench.best("classes_last", objective=Objective(moved))


def _backwards(bench: Bench, setup: Setup) -> None:
    """Read sequences from their end, where a recurrent network learns little of them."""
    if not isinstance(bench.data, Rows) or len(bench.data.inputs) != 1:
        return
    x, target = bench.data.inputs[0], setup.output.target_shape
    recurrent = [m for m in bench.model.modules() if isinstance(m, nn.RNNBase)]
    if not recurrent or any(one.bidirectional for one in recurrent):
        return
    if x.ndim not in (2, 3) or (x.ndim == 2 and x.is_floating_point()) or x.shape[1] < _SHORTEST:
        return
    if len(target) > 1 and target[1] == x.shape[1]:
        return  # a target for each step: its order is theirs
    if (learned(bench, setup, "adam") or 0.0) < _LOST:
        bench.best("backwards", data=replace(bench.data, inputs=(x.flip(1),)))


def _few_rows(bench: Bench) -> None:
    """Normalise over sixteen rows a step, where it is over four or fewer."""
    size = bench.data.batch_size
    norms = nn.modules.batchnorm._BatchNorm
    if not isinstance(bench.data, Rows) or not 1 < size <= _FEW or bench.optimizer is None:
        return
    if not any(isinstance(module, norms) for module in bench.model.modules()):
        return
    # As many rows each, seen once the network normalises by what it has kept.
    bench.run("few_rows", longer=_MORE / size, evaluated=True)
    bench.run("more_rows", data=replace(bench.data, batch_size=_MORE), evaluated=True)


def _settings(bench: Bench, setup: Setup) -> None:
    """Train with usual settings, where there are unusual ones."""
    given = setup.optimizer.settings
    other: dict[str, Any] = {}
    if (given.get("momentum") or 0.0) > _HIGH_MOMENTUM:
        other["momentum"] = 0.9
    betas = given.get("betas")
    if betas and not (0.5 <= betas[0] <= _HIGH_MOMENTUM and 0.9 <= betas[1] < 1.0):
        other["betas"] = (0.9, 0.999)
    if "eps" in given and not 1e-12 <= given["eps"] <= 1e-4:
        other["eps"] = 1e-8
    if other:
        bench.run("usual_settings", **other)


def _sum(model: nn.Module, about: frozenset[int], power: int) -> Tensor:
    """Return the sum of some weights' absolute values, or of their squares."""
    held = [p for i, p in enumerate(model.parameters()) if i in about]
    return torch.stack([p.abs().pow(power).sum() for p in held]).sum()


def _rates(bench: Bench, setup: Setup) -> None:
    """Train slower, where the user's rate does worse than a sound optimizer."""
    own, sound = bench.fits.get("own"), bench.fits.get("adam")
    if own is None or sound is None or bench.optimizer is None:
        return
    gain = sound.first - sound.last
    usual = max(setup.optimizer.learning_rates, default=0.0) <= _RATE.get(setup.optimizer.kind, 1.0)
    if usual and own.last <= own.first - 0.5 * gain and math.isfinite(own.last):
        return
    for name, by in (("slower_10", 0.1), ("slower_100", 0.01), ("slower_1000", 0.001)):
        found = bench.run(name, by=by)
        if found is None or found.last < sound.last + 0.2 * gain:
            break
    # A high rate may do harm at first, and make up for it.
    bench.run("own_longer", longer=3.0)


def _whole_run(bench: Bench, setup: Setup, rows_in_all: int) -> None:
    """Cover the planned training's way in few long steps.

    Where steps are small against the loss' curvature, n of them at one rate lead where n/k of them
    at k times that rate do (the gradient flow), so a rate that is too low can be told in advance.
    """
    planned = planned_steps(setup, rows_in_all)
    if not planned or not bench.steps or bench.optimizer is None:
        return
    if planned >= bench.steps:
        bench.run("whole_run", by=planned / bench.steps)
    else:
        bench.run("whole_run", longer=planned / bench.steps)
