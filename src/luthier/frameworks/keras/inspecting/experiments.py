"""Which copies are tried: the model as it is, and one change at a time where there is a sign."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.catalog import optimizers
from luthier.core import Setup
from luthier.frameworks.keras.calls import activation_of
from luthier.frameworks.keras.inspecting.as_classes import as_classes
from luthier.frameworks.keras.inspecting.bench import RATES, Bench
from luthier.frameworks.keras.inspecting.loss_facts import NUMBERS, Compiled, guess_of
from luthier.frameworks.keras.inspecting.net import Net, identity
from luthier.frameworks.keras.inspecting.rows import Rows
from luthier.frameworks.keras.inspecting.scales import (
    ranged,
    scaled_inputs,
    scaled_target,
    standard,
)

Array = NDArray[Any]
_BOUNDED = ("softmax", "log_softmax", "sigmoid", "relu", "tanh", "hardsigmoid")
_FAINT = 1e-3  # first layer's gradient over the last one's: each of ten sigmoids takes 3/4 away
_HIGH_MOMENTUM = 0.99  # averages over more than a hundred steps
# Above these a rate is tried against a lower one: what the catalog searches ends there.
_RATE = {one.name: one.learning_rates.high for one in optimizers.ALL}
_LITTLE = 0.15  # of all there is: what no other rate can bring that a rule would speak of
_LONGER = 6.0  # times the steps of other fits
_MUCH_DROPOUT = 0.7  # a layer of 32 units is one of ten then
_SHORTEST = 4  # steps of a sequence that has a beginning and an end
_FEW, _MORE = 4, 16  # rows of a step: too few to normalise by, and enough
_NOTHING = 0.1  # of all there is: less with any rate, and other initial weights are tried
_RECURRENT = ("LSTM", "GRU", "SimpleRNN")
_LOST = 0.5  # of all there is: less after all planned steps, and the same way is tried otherwise
# Of all there is to learn: on the 5,000 images of MNIST a factor of 0.01 on 128 units begins at
# 0.95 of it and costs a hundredth of accuracy; on digits it begins at 0.4 and costs none.
_HOLDING = 3.0  # as in PyTorch's experiments: no weight stays above one over it
_OUTWEIGHS = 0.5


def experiment(bench: Bench, setup: Setup, *, head: Any, outputs: Array) -> None:
    """Try what there is a reason to try; the results are in the bench.

    Args:
        bench: Holds model, loss and rows.
        setup: What was measured without training.
        head: The layer whose activation makes the outputs; None where none does.
        outputs: What the model returned for the first rows.
    """
    loss = setup.loss
    if loss.guess is not None and loss.floor is not None:
        bench.enough = loss.floor + _LITTLE * (loss.guess - loss.floor)
    bench.run("own")
    bench.best("adam")
    own, adam = bench.fits.get("own"), bench.fits.get("adam")
    if own is not None and adam is not None and own.last < adam.last:
        bench.fits["adam"] = own
    if setup.epochs and bench.has_optimizer:
        planned = setup.epochs * max(bench.rows.total // max(setup.batch_size, 1), 1)
        if planned >= bench.steps:
            bench.run("whole_run", by=planned / bench.steps)
        else:
            bench.run("whole_run", longer=planned / bench.steps)
    _output(bench, setup, head)  # where there is a sign of it, it is hardly ever wrong
    _scales(bench, setup, outputs)
    _rates(bench, setup)
    _penalty(bench, setup)
    _dropout(bench)
    _one_batch(bench, setup, outputs)
    _start(bench, setup, head)
    _losses(bench, setup, head)
    _backwards(bench, setup)
    as_classes(bench, setup, head)
    _few_rows(bench)
    _settings(bench, setup)
    if setup.epochs and (learned(bench, setup, "adam") or 0.0) < _LOST:
        for rate in RATES:  # what more steps learn can be learnt
            bench.run("adam_longer", rate=rate, longer=_LONGER)


def learned(bench: Bench, setup: Setup, name: str) -> float | None:
    """Return what a copy learnt of all there is, as `Setup.learned`."""
    return replace(setup, fits=bench.fits).learned(name)


def _scales(bench: Bench, setup: Setup, outputs: Array) -> None:
    """Learn standardised inputs, standardised targets, and both, where they are far from it.

    Where all planned steps lead nowhere, the same way is gone with them: a low rate does not get
    far within a short training, whatever the scale.
    """
    rows, x = bench.rows, bench.rows.inputs[0]
    inputs = scaled_inputs(x) if len(rows.inputs) == 1 and not standard(x) else None
    target = scaled_target(setup.loss.kind, setup.output.target_type, rows.target)
    changed: dict[str, Rows] = {}
    if inputs is not None:
        changed["standard_inputs"] = replace(rows, inputs=(inputs,))
        if x.ndim > 2 or float(x.min()) >= 0.0:  # pixels between 0 and 1 are a smaller step
            changed["ranged_inputs"] = replace(rows, inputs=(ranged(x),))
    if target is not None:
        changed["standard_targets"] = replace(rows, target=target)
    if inputs is not None and target is not None:
        changed["standard_both"] = replace(rows, inputs=(inputs,), target=target)
    whole, own = bench.fits.get("whole_run"), bench.fits.get("own")
    lost = whole is not None and (learned(bench, setup, "whole_run") or 0.0) < _LOST
    for name, data in changed.items():
        guess = None
        if data.target is not rows.target:
            guess = guess_of(bench.loss, setup.loss.kind, outputs, data.target[: len(outputs)])
        _own_or_adam(bench, name, rows=data, guess=guess)
        sane = (learned(bench, setup, name) or 0.0) > -_LOST  # its rate is none that runs away
        if whole is not None and lost and sane and own is not None and math.isfinite(whole.last):
            by = whole.rate / own.rate if own.rate > 0 else 1.0
            bench.run(f"{name}_whole", by=by, rows=data, guess=guess)
    if inputs is not None and (learned(bench, setup, "adam") or 0.0) < _LOST:
        bench.best("standard_inputs_adam", rows=changed["standard_inputs"])


def _own_or_adam(bench: Bench, name: str, **how: Any) -> None:
    """Use the user's optimizer; without one, Adam's own default."""
    if bench.has_optimizer:
        bench.run(name, **how)
    else:
        if "own" not in bench.fits:
            bench.run("own", rate=1e-3)
        bench.run(name, rate=1e-3, **how)


def _rates(bench: Bench, setup: Setup) -> None:
    """Train slower, where the user's rate does worse than a sound optimizer."""
    own, sound = bench.fits.get("own"), bench.fits.get("adam")
    if own is None or sound is None or not bench.has_optimizer:
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


def _output(bench: Bench, setup: Setup, head: Any) -> None:
    taken = setup.loss.kind in ("bce", "shares")
    if head is not None and setup.output.op in _BOUNDED and not taken:
        bench.best("no_output_activation", instead=[(head, identity)])
    right = {"shares": keras.ops.softmax, "bce": keras.ops.sigmoid}.get(setup.loss.kind)
    name = {"shares": "softmax", "bce": "sigmoid"}.get(setup.loss.kind)
    if right is None or setup.output.op in (name, "other", "hardsigmoid") or head is None:
        return
    if setup.output.op == "none":
        bench.best("right_output_activation", before=right)
    else:
        bench.best("right_output_activation", instead=[(head, right)])


def _penalty(bench: Bench, setup: Setup) -> None:
    """Learn with and without the penalty, where it is more than all that is to be learnt."""
    loss, decay = setup.loss, float(setup.optimizer.settings.get("weight_decay") or 0.0)
    if decay >= _HOLDING and bench.rate:  # Keras takes it off the weights, whatever the optimizer
        by = max(1.0, 1e-2 / bench.rate)
        bench.run("penalised", by=by, longer=3.0)
        bench.run("unpenalised", by=by, longer=3.0, weight_decay=0.0)
        return
    if loss.penalty_initial <= 0 or loss.guess is None or loss.floor is None:
        return
    if loss.penalty_initial < _OUTWEIGHS * (loss.guess - loss.floor):
        return
    bench.run("penalised", rate=1e-2, longer=3.0)
    bench.run("unpenalised", rate=1e-2, penalised=False, longer=3.0)


def _one_batch(bench: Bench, setup: Setup, outputs: Array) -> None:
    batch, aim, guess = bench.one(), None, None
    if setup.loss.guess is not None:
        shape = (len(batch), *outputs.shape[1:])
        of = np.zeros(shape, outputs.dtype)
        guess = guess_of(bench.loss, setup.loss.kind, of, bench.rows.target[batch])
    floor = setup.loss.floor
    if guess is not None and floor is not None:
        aim = floor + 0.1 * (guess - floor)
    for rate in (1e-2, 1e-3):
        found = bench.run(
            "one_batch", rate=rate, batch=batch, guess=guess, aim=aim, longer=2.0, penalised=False
        )
        if found is not None and aim is not None and found.last <= aim:
            return


def _start(bench: Bench, setup: Setup, head: Any) -> None:
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
    if alike or stuck or faint or wild or high or nothing:
        fresh = reinitialised(bench.net)
        _own_or_adam(bench, "reinitialised", weights=fresh)
        bench.best("reinitialised_adam", weights=fresh)
        whole, own = bench.fits.get("whole_run"), bench.fits.get("own")
        if high and whole is not None and own is not None and own.rate > 0:
            bench.run("reinitialised_whole", by=whole.rate / own.rate, weights=fresh)
    bends = [one for one in bench.net.layers if one is not head and activation_of(one) in (
        "sigmoid", "tanh", "softmax"
    )]  # fmt: skip
    if (stuck or faint) and bends:
        instead = [(one, keras.ops.relu) for one in bends]
        bench.best("unsaturated", weights=reinitialised(bench.net), instead=instead)


def reinitialised(net: Net, seed: int = 0) -> list[Array]:
    """Return weights drawn anew: He's normal for matrices, zero for biases (He et al. 2015).

    Layers with a scheme of their own (normalisation, embeddings, recurrent layers) keep theirs.
    """
    rng = np.random.default_rng(seed)
    places = {id(v): i for i, v in enumerate(net.model.trainable_variables)}
    fresh = list(net.weights)
    last = None
    for layer in net.layers:
        if type(layer).__name__ not in ("Dense", "Conv1D", "Conv2D", "Conv3D"):
            continue
        place = places.get(id(layer.kernel))
        if place is not None:
            shape = net.weights[place].shape
            drawn = rng.normal(size=shape) * math.sqrt(2.0 / max(math.prod(shape[:-1]), 1))
            fresh[place], last = drawn.astype(net.weights[place].dtype), place
        bias = places.get(id(getattr(layer, "bias", None)))
        if bias is not None:
            fresh[bias] = np.zeros_like(net.weights[bias])
    if last is not None:
        # The last layer starts small, so that the first outputs say nothing.
        fresh[last] = fresh[last] * np.asarray(0.1, fresh[last].dtype)
    return fresh


def _losses(bench: Bench, setup: Setup, head: Any) -> None:
    """Try another loss, where the one at hand is of another kind than the targets."""
    output, kind = setup.output, setup.loss.kind
    if setup.loss.sums and bench.has_optimizer and bench.rows.batch_size > 1:
        bench.run("mean_loss", by_loss=1.0 / bench.rows.batch_size)
    if kind not in NUMBERS or len(output.shape) != 2 or output.shape != output.target_shape:
        return
    if output.target_type != "shares" or output.op not in ("softmax", "sigmoid") or head is None:
        return
    entropy = Compiled(keras.losses.CategoricalCrossentropy(from_logits=True, name="luthier"))
    bench.run("cross_entropy", instead=[(head, identity)], teacher=entropy)


def _dropout(bench: Bench) -> None:
    """Learn with dropout, where it leaves little of a layer."""
    rates = [float(getattr(one, "rate", 0.0) or 0.0) for one in bench.net.dropouts]
    if max(rates, default=0.0) < _MUCH_DROPOUT:
        return
    for name, on in (("with_dropout", True), ("without_dropout", False)):
        _own_or_adam(bench, name, longer=3.0, evaluated=True, dropout=on)


def _backwards(bench: Bench, setup: Setup) -> None:
    """Read sequences from their end, where a recurrent network learns little of them."""
    if len(bench.rows.inputs) != 1:
        return
    x, target = bench.rows.inputs[0], setup.output.target_shape
    kinds = [type(one).__name__ for one in bench.net.model._flatten_layers(include_self=False)]
    if "Bidirectional" in kinds or not any(kind in _RECURRENT for kind in kinds):
        return
    if x.ndim not in (2, 3) or (x.ndim == 2 and x.dtype.kind == "f") or x.shape[1] < _SHORTEST:
        return
    if len(target) > 1 and target[1] == x.shape[1]:
        return  # a target for each step: its order is theirs
    if (learned(bench, setup, "adam") or 0.0) < _LOST:
        bench.best("backwards", rows=replace(bench.rows, inputs=(x[:, ::-1].copy(),)))


def _few_rows(bench: Bench) -> None:
    """Normalise over sixteen rows a step, where it is over four or fewer."""
    size = bench.rows.batch_size
    norms = [one for one in bench.net.layers if type(one).__name__ == "BatchNormalization"]
    if not 1 < size <= _FEW or not norms or not bench.has_optimizer:
        return

    @contextlib.contextmanager
    def as_long() -> Iterator[None]:
        """Let kept statistics reach back over as many rows as they do with the small steps."""
        kept = [one.momentum for one in norms]
        try:
            for one, momentum in zip(norms, kept, strict=True):
                one.momentum = momentum ** (_MORE / size)
            yield
        finally:
            for one, momentum in zip(norms, kept, strict=True):
                one.momentum = momentum

    # As many rows each, seen once the network normalises by what it has kept.
    bench.run("few_rows", longer=_MORE / size, evaluated=True)
    more = replace(bench.rows, batch_size=_MORE)
    bench.run("more_rows", rows=more, evaluated=True, within=as_long)


def _settings(bench: Bench, setup: Setup) -> None:
    """Train with usual settings, where there are unusual ones."""
    given: Any = setup.optimizer.settings
    other: dict[str, Any] = {}
    if (given.get("momentum") or 0.0) > _HIGH_MOMENTUM:
        other["momentum"] = 0.9
    betas: Sequence[float] = given.get("betas") or ()
    if betas and not (0.5 <= betas[0] <= _HIGH_MOMENTUM and 0.9 <= betas[1] < 1.0):
        other |= {"beta_1": 0.9, "beta_2": 0.999}
    if "eps" in given and not 1e-12 <= given["eps"] <= 1e-4:
        other["epsilon"] = 1e-7
    if other and bench.has_optimizer:
        bench.run("usual_settings", **other)
