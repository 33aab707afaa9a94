"""How an epoch trains, on any backend: one page, with everything a recipe sets as input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from luthier.catalog import losses, optimizers
from luthier.core.keys import fold_in
from luthier.engines.keras_eager.backends import Backend
from luthier.engines.keras_eager.dropout import Keyed, replaced
from luthier.engines.keras_eager.keras_ops import Real, keras_ops
from luthier.engines.keras_eager.network import Network

_GENERATOR = 5  # the word that keys what is no dropout, as in the PyTorch engine
_TINY = 1.1754944e-38  # the smallest normal number of single precision


class Carry(NamedTuple):
    """What a step hands to the next: weights, buffers, moments, averages."""

    weights: dict[str, Any]
    buffers: dict[str, Any]
    slots: tuple[dict[str, Any], ...]
    average: dict[str, Any]


class Examples(NamedTuple):
    """Rows to train on."""

    inputs: tuple[Any, ...]
    target: Any
    weight: Any


class Given(NamedTuple):
    """What an epoch is given beside its data, as tensors.

    Args:
        rows: Which examples each step sees.
        numbers: Learning rate, mixup share and average's decay of each step, as doubles.
        first: Number of the first step.
        count: How many steps to take.
        settings: The recipe's numbers, as `SETTINGS` names them.
        words: The key of the seed.
        bounds: Of each dropout call, the word below which a position drops.
        scales: Of each call, what is kept is multiplied with.
    """

    rows: Any
    numbers: Any
    first: Any
    count: Any
    settings: Any
    words: Any
    bounds: Any
    scales: Any


SETTINGS = (
    "momentum", "beta1", "beta2", "epsilon", "l1", "l2", "weight_decay", "clip_norm",
    "label_smoothing",
)  # fmt: skip
Epoch = Callable[[Carry, Examples, Given], tuple[Carry, Any, Any]]


def epoch_of(
    backend: Backend,
    network: Network,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    penalised: tuple[str, ...],
    *,
    mixes: bool,
) -> Epoch:
    """Return the function that trains some steps.

    Args:
        backend: Where it computes.
        network: What it trains.
        optimizer: How gradients become updates.
        loss: What is minimised.
        penalised: The kernels that L1 and L2 apply to.
        mixes: Whether pairs of rows are blended.

    Returns:
        A function that returns what the next epoch begins with; data loss, penalty and gradient
        norm of each step; and gradient, weight and change norms of each kernel at the last step.
    """
    kernels = network.trainable[: network.kernels]

    def epoch(carry: Carry, examples: Examples, given: Given) -> tuple[Carry, Any, Any]:
        numbers_of = {n: Real(given.settings[i]) for i, n in enumerate(SETTINGS)}
        pulled, clips = penalised, True
        if backend.eager:  # there the numbers are known, and what changes nothing is left out
            plain = {name: float(number.value) for name, number in numbers_of.items()}
            pulled = penalised if plain["l1"] or plain["l2"] else ()
            clips = math.isfinite(plain["clip_norm"])

        def take(index: Any, state: tuple[Carry, Any, Any]) -> tuple[Carry, Any, Any]:
            old, seen, _ = state
            rate, share, decay = (Real(given.numbers[index][i]) for i in range(3))
            number = given.first + index
            key = (backend.words(given.words[0]), backend.words(given.words[1]))
            step_key = fold_in(key, backend.words(number))
            backend.reseed(_seed(key, backend.words(number)))
            batch = _batch(examples, given.rows[index], share, numbers_of, mixes)

            def data_loss(weights: dict[str, Any]) -> tuple[Any, Any]:
                keyed = Keyed(backend, step_key, given.bounds, given.scales)
                with replaced(keyed):
                    outputs, buffers, own = network.train({**old.buffers, **weights}, batch.inputs)
                outputs = ops.cast(outputs, batch.target.dtype)
                each = loss.per_example(keras_ops, outputs, batch.target)
                total = ops.sum(batch.weight)
                value = ops.sum(each * batch.weight) / ops.maximum(total, _TINY)
                added = ops.zeros_like(value) if own is None else ops.cast(own, value.dtype)
                return value + added, (value, added, buffers)

            _, (value, own, buffers), gradients = backend.gradients(data_loss, old.weights)
            gradients, penalty = _penalised(gradients, old.weights, pulled, numbers_of)
            norm = ops.sqrt(sum(_squared(g) for g in gradients.values()))
            if clips:
                factor = _clipping(numbers_of["clip_norm"], norm)
                gradients = {name: g * factor for name, g in gradients.items()}
            step = Real(ops.cast(number + 1, "float64"))
            update = _updated_at_once if backend.eager else _updated
            weights, slots = update(optimizer, old, gradients, kernels, step, rate, numbers_of)
            live = {**buffers, **weights}
            average = {k: _averaged(a, live[k], decay) for k, a in old.average.items()}
            row = ops.stack([value, penalty + own, norm])
            seen = ops.scatter_update(seen, ops.reshape(index, (1, 1)), row[None])
            last = {name: (gradients[name], old.weights[name]) for name in kernels}
            return Carry(weights, buffers, slots, average), seen, last

        dtype = examples.target.dtype
        nothing = {name: (carry.weights[name], carry.weights[name]) for name in kernels}
        start = (carry, ops.zeros((given.rows.shape[0], 3), dtype), nothing)
        new, seen, last = backend.loop(given.count, take, start)
        return new, seen, _norms(kernels, last, new.weights, dtype)

    return epoch


def _seed(key: tuple[Any, Any], number: Any) -> Any:
    return fold_in(key, _GENERATOR, number)[0]


def _squared(x: Any) -> Any:
    return ops.sum(ops.square(x))


def _batch(
    examples: Examples, rows: Any, share: Real, numbers: dict[str, Real], mixes: bool
) -> Examples:
    """Take a step's rows, smooth their targets, and blend them where the recipe says so."""
    inputs = tuple(ops.take(x, rows, axis=0) for x in examples.inputs)
    target = losses.smooth(ops.take(examples.target, rows, axis=0), numbers["label_smoothing"])
    weight = ops.take(examples.weight, rows, axis=0)
    if not mixes:
        return Examples(inputs, target, weight)
    return Examples(
        tuple(losses.mix(x, ops.flip(x, 0), share) for x in inputs),
        losses.mix(target, ops.flip(target, 0), share),
        losses.mix(weight, ops.flip(weight, 0), share),
    )


def _penalised(
    gradients: dict[str, Any],
    weights: dict[str, Any],
    names: tuple[str, ...],
    numbers: dict[str, Real],
) -> tuple[dict[str, Any], Any]:
    """Add the gradients of l1 * sum|w| + l2 * sum w^2; return the penalty too."""
    l1, l2 = numbers["l1"], numbers["l2"]
    pulled = {
        name: gradients[name] + l1 * ops.sign(weights[name]) + (2 * l2) * weights[name]
        for name in names
    }
    penalty: Any = ops.zeros((), next(iter(weights.values())).dtype)
    for name in names:
        penalty = penalty + l1 * ops.sum(ops.abs(weights[name])) + l2 * _squared(weights[name])
    return {**gradients, **pulled}, penalty


def _clipping(longest: Real, norm: Any) -> Any:
    """Return what gradients are multiplied with; an infinite bound clips nothing."""
    factor = ops.minimum(longest / (norm + 1e-6), ops.ones_like(norm))
    return ops.where(ops.isfinite(longest.value), factor, ops.ones_like(norm))


def _updated(
    optimizer: optimizers.Optimizer,
    old: Carry,
    gradients: dict[str, Any],
    kernels: tuple[str, ...],
    step: Real,
    rate: Real,
    numbers: dict[str, Real],
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Decay kernels, then take the optimizer's step on every array."""
    names = ("momentum", "beta1", "beta2", "epsilon")
    settings = optimizers.Settings(rate, *(numbers[name] for name in names))
    weights: dict[str, Any] = {}
    slots: tuple[dict[str, Any], ...] = tuple({} for _ in old.slots)
    for name, weight in old.weights.items():
        start = (1 - rate * numbers["weight_decay"]) * weight if name in kernels else weight
        mine = tuple(slot[name] for slot in old.slots)
        weights[name], new = optimizer.update(
            keras_ops, start, gradients[name], mine, step, settings
        )
        for slot, value in zip(slots, new, strict=True):
            slot[name] = value
    return weights, slots


def _updated_at_once(
    optimizer: optimizers.Optimizer,
    old: Carry,
    gradients: dict[str, Any],
    kernels: tuple[str, ...],
    step: Real,
    rate: Real,
    numbers: dict[str, Real],
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Do the same to one long array, which gives the same numbers with fewer operations."""
    names = [*kernels, *(name for name in old.weights if name not in kernels)]
    shapes = {name: tuple(old.weights[name].shape) for name in names}
    ends = [0, *itertools.accumulate(math.prod(shapes[name]) for name in names)]
    decayed = ends[len(kernels)]
    # Tensors' own methods: Keras' operations take a tenth of a millisecond each.
    spans = {name: slice(*pair) for name, pair in zip(names, itertools.pairwise(ends), strict=True)}

    def joined(arrays: dict[str, Any]) -> Any:
        return ops.concatenate([arrays[name].reshape(-1) for name in names])

    def parted(array: Any) -> dict[str, Any]:
        return {name: array[spans[name]].reshape(shapes[name]) for name in old.weights}

    whole = Carry(
        {"all": joined(old.weights)}, {}, tuple({"all": joined(one)} for one in old.slots), {}
    )
    if decayed:
        weights = whole.weights["all"]
        kept = (1 - rate * numbers["weight_decay"]) * weights[:decayed]
        whole.weights["all"] = ops.concatenate([kept, weights[decayed:]])
    flat = {"all": joined(gradients)}
    found, slots = _updated(optimizer, whole, flat, (), step, rate, numbers)
    return parted(found["all"]), tuple(parted(one["all"]) for one in slots)


def _averaged(average: Any, live: Any, decay: Real) -> Any:
    mixed = decay * average + (1 - decay) * live
    return ops.where(ops.equal(decay.value, 0.0), live, mixed)  # an infinite one would stay


def _norms(kernels: tuple[str, ...], last: Any, weights: dict[str, Any], dtype: Any) -> Any:
    if not kernels:
        return ops.zeros((3, 0), dtype)
    rows = [
        [_squared(last[name][0]) for name in kernels],
        [_squared(last[name][1]) for name in kernels],
        [_squared(weights[name] - last[name][1]) for name in kernels],
    ]
    return ops.sqrt(ops.stack([ops.stack(row) for row in rows]))
