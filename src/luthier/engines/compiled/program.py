"""How a trial trains: an epoch as one compiled program, with everything a recipe sets as input."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from luthier.catalog import losses, optimizers
from luthier.core.keys import fold_in
from luthier.engines.chunks.exchange import (
    Carry,
    Draws,
    Examples,
    Numbers,
    Outcome,
    Rows,
    Settings,
    Steps,
)
from luthier.engines.compiled.layout import turn, turn_carry
from luthier.engines.compiled.lower import Masks
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.ops import jax_ops
from luthier.engines.compiled.real import Real

_TINY = 1.1754944e-38  # the smallest normal number of single precision


def epoch(
    network: Lowered,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    carry: Carry,
    fixed: Mapping[str, Any],
    examples: Examples,
    steps: Steps,
    span: Any,
    settings: Any,
    draws: Draws,
    evaluated: Rows,
) -> tuple[Carry, Any]:
    """Train for some steps, then evaluate.

    Args:
        network: The network; it is the program's, as are `optimizer` and `loss`.
        optimizer: How gradients become updates.
        loss: What is minimised.
        carry: Where the last epoch ended.
        fixed: What never changes: frozen parameters and constant buffers.
        examples: The training part.
        steps: What each step is given.
        span: Number of the epoch's first step, and how many steps to take.
        settings: The recipe's numbers.
        draws: What dropout masks depend on.
        evaluated: The rows of the evaluation.
    """
    reals = Settings(*(Real(value) for value in settings))
    first, count = span
    turned = network.turned(carry.weights)
    kernels = network.trainable[: network.kernels]

    def take(index: Any, state: tuple[Carry, Any, Any]) -> tuple[Carry, Any, Any]:
        old, seen, _ = state
        rows = lax.dynamic_index_in_dim(steps.rows, index, keepdims=False)
        numbers = lax.dynamic_index_in_dim(steps.numbers, index, keepdims=False)
        now = Numbers(*(Real(value) for value in numbers))
        chosen = jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), examples)
        inputs, target, weight = _batch(chosen, now.share, reals.label_smoothing)
        number = first + index
        key = (draws.words[0], draws.words[1])
        masks = Masks(fold_in(key, number.astype(jnp.uint32)), draws.thresholds, draws.scales)

        def whole_loss(weights: dict[str, Any]) -> tuple[Any, Any]:
            tensors = {**fixed, **old.buffers, **turn(weights, turned)}
            outputs, updates, own = network.train(tensors, inputs, masks)
            each = loss.per_example(jax_ops, _matrix(outputs), target)
            value = (each * weight).sum() / jnp.maximum(weight.sum(), _TINY)
            own = jnp.zeros_like(value) if own is None else own.astype(value.dtype)
            return value + own, (value, own, updates)

        (_, (value, own, updates)), gradients = jax.value_and_grad(whole_loss, has_aux=True)(
            old.weights
        )
        gradients, penalty = _penalised(gradients, old.weights, network.penalised, reals)
        penalty = penalty + own
        norm = jnp.sqrt(sum(squared(g) for g in gradients.values()))
        factor = jnp.minimum((reals.clip_norm / (norm + 1e-6)), 1.0)
        factor = jnp.where(jnp.isfinite(reals.clip_norm.value), factor, 1.0)
        clipped = {name: g * factor for name, g in gradients.items()}
        weights, slots = _updated(
            optimizer,
            old,
            clipped,
            kernels,
            Real((number + 1).astype(jnp.float64)),
            now.rate,
            reals,
        )
        live = {**weights, **updates}
        average = {k: _averaged(a, live[k], now.decay) for k, a in old.average.items()}
        new = Carry(weights, {**old.buffers, **updates}, slots, average)
        shown = lax.cond(
            index == count - 1,
            lambda: _norms(kernels, gradients, factor, old.weights, weights),
            lambda: jnp.zeros((3, len(kernels)), norm.dtype),
        )
        seen = lax.dynamic_update_index_in_dim(seen, jnp.stack([value, penalty, norm]), index, 0)
        return new, seen, shown

    dtype = examples.target.dtype
    start = (
        turn_carry(carry, turned),
        jnp.zeros((len(steps.numbers), 3), dtype),
        jnp.zeros((3, len(kernels)), dtype),
    )
    carry, seen, shown = lax.fori_loop(0, count, take, start)
    carry = turn_carry(carry, turned)
    tensors = {**fixed, **carry.buffers, **carry.average}
    losses_of, outputs = _evaluated(network, loss, tensors, evaluated)
    return carry, _joined(Outcome(seen, shown, losses_of, outputs))


def chunk(
    one_epoch: partial[tuple[Carry, Any]],
    carry: Carry,
    fixed: Mapping[str, Any],
    examples: Examples,
    steps: Steps,
    span: Any,
    settings: Any,
    draws: Draws,
    evaluated: Rows,
) -> tuple[Carry, Any, dict[str, Any]]:
    """Train some epochs, and stop after the first one whose losses are no numbers.

    Args:
        one_epoch: `epoch`, with the program's own arguments.
        carry: Where the last chunk ended.
        fixed: As for `epoch`, and so are the other arguments that are not told here.
        examples: The training part.
        steps: What each step is given; first axis the epoch, as many as may be asked for.
        span: Number of the first step, steps of an epoch, and epochs to train.
        settings: The recipe's numbers.
        draws: What dropout masks depend on.
        evaluated: The rows of the evaluation.

    Returns:
        What the next chunk begins with; each epoch's outcome; each epoch's weights and buffers
        as they were evaluated.
    """
    first, count, epochs = span
    kernels = one_epoch.args[0].kernels
    at_val_loss = 3 * (steps.rows.shape[1] + kernels) + 1  # where `_joined` puts it

    def train(index: Any, carry: Carry) -> tuple[Carry, Any, dict[str, Any]]:
        given = jax.tree.map(lambda a: lax.dynamic_index_in_dim(a, index, keepdims=False), steps)
        within = (first + index * count, count)
        new, shown = one_epoch(carry, fixed, examples, given, within, settings, draws, evaluated)
        return new, shown, {**new.buffers, **new.average}

    def go_on(state: Any) -> Any:
        index, finite, *_ = state
        return (index < epochs) & finite

    def step(state: Any) -> Any:
        index, _, carry, shown, kept = state
        carry, vector, values = train(index, carry)
        last = partial(lax.dynamic_update_index_in_dim, index=index, axis=0)
        data_losses, val_loss = vector[: 3 * steps.rows.shape[1] : 3], vector[at_val_loss]
        finite = jnp.isfinite(data_losses).all() & jnp.isfinite(val_loss)
        return index + 1, finite, carry, last(shown, vector), jax.tree.map(last, kept, values)

    kinds = jax.eval_shape(train, first, carry)
    room = [
        jax.tree.map(lambda a: jnp.zeros((len(steps.rows), *a.shape), a.dtype), k)
        for k in kinds[1:]
    ]
    state = (jnp.zeros_like(first), jnp.array(True), carry, *room)
    _, _, carry, shown, kept = lax.while_loop(go_on, step, state)
    return carry, shown, kept


def compile_chunk(network: Lowered, optimizer: str, loss: str) -> Any:
    """Return the compiled `chunk` of a network, an optimizer and a loss."""
    formula = optimizers.by_name(optimizer, network.framework)
    parts = (network, formula, losses.by_name(loss))
    return jax.jit(partial(chunk, partial(epoch, *parts)))


def squared(x: Any) -> Any:
    """Return the sum of squares."""
    return jnp.square(x).sum()


def _joined(outcome: Outcome) -> Any:
    """Return all of it as one vector, which is one transfer."""
    return jnp.concatenate([part.reshape(-1) for part in outcome])


def _batch(chosen: Examples, share: Real, smoothing: Real) -> Examples:
    """Smooth and mix, as the recipe says; without either every number stays what it is."""
    smoothed = chosen._replace(target=losses.smooth(chosen.target, smoothing))
    if not all(jnp.issubdtype(x.dtype, jnp.floating) for x in chosen.inputs):
        return smoothed  # codes cannot be mixed; the engine refuses what would

    def mixed(batch: Examples) -> Examples:
        together: Examples = jax.tree.map(lambda x: losses.mix(x, jnp.flip(x, 0), share), batch)
        return together

    batch: Examples = lax.cond(share.value < 1.0, mixed, lambda batch: batch, smoothed)
    return batch


def _penalised(
    gradients: dict[str, Any], weights: dict[str, Any], kernels: tuple[str, ...], reals: Settings
) -> tuple[dict[str, Any], Any]:
    """Add the gradients of l1 * sum|w| + l2 * sum w^2 over kernels; return the penalty too."""
    pulled = {
        name: gradients[name] + reals.l1 * jnp.sign(weights[name]) + (2 * reals.l2) * weights[name]
        for name in kernels
    }

    def penalty() -> Any:
        sizes = sum((jnp.abs(weights[name]).sum() for name in kernels), start=0.0)
        squares = sum((squared(weights[name]) for name in kernels), start=0.0)
        return reals.l1 * sizes + reals.l2 * squares

    dtype = jax.tree.leaves(weights)[0].dtype
    if not kernels:
        return gradients, jnp.zeros((), dtype)
    wanted = (reals.l1.value != 0) | (reals.l2.value != 0)
    return {**gradients, **pulled}, lax.cond(wanted, penalty, lambda: jnp.zeros((), dtype))


def _updated(
    optimizer: optimizers.Optimizer,
    old: Carry,
    gradients: dict[str, Any],
    kernels: tuple[str, ...],
    step: Real,
    rate: Real,
    reals: Settings,
) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Decay kernels, then take the optimizer's step on every array."""
    numbers = optimizers.Settings(rate, reals.momentum, reals.beta1, reals.beta2, reals.epsilon)
    weights: dict[str, Any] = {}
    slots: tuple[dict[str, Any], ...] = tuple({} for _ in old.slots)
    for name, weight in old.weights.items():
        start = (1 - rate * reals.weight_decay) * weight if name in kernels else weight
        mine = tuple(slot[name] for slot in old.slots)
        weights[name], new = optimizer.update(jax_ops, start, gradients[name], mine, step, numbers)
        for slot, value in zip(slots, new, strict=True):
            slot[name] = value
    return weights, slots


def _averaged(average: Any, live: Any, decay: Real) -> Any:
    mixed = decay * average + (1 - decay) * live
    return jnp.where(decay.value == 0.0, live, mixed)  # an infinite average would stay for ever


def _norms(
    kernels: tuple[str, ...],
    gradients: dict[str, Any],
    factor: Any,
    old: dict[str, Any],
    new: dict[str, Any],
) -> Any:
    rows = [
        [squared(gradients[name] * factor) for name in kernels],
        [squared(old[name]) for name in kernels],
        [squared(new[name] - old[name]) for name in kernels],
    ]
    return jnp.sqrt(jnp.stack([jnp.stack(row) for row in rows])) if kernels else jnp.zeros((3, 0))


def _evaluated(
    network: Lowered, loss: losses.Loss, tensors: dict[str, Any], rows: Rows
) -> tuple[Any, Any]:
    """Return the losses of sample and validation part, and the validation outputs."""

    def one_pass(inputs: tuple[Any, ...]) -> Any:
        return _matrix(network.evaluate(tensors, inputs))

    outputs = lax.map(one_pass, rows.inputs)
    outputs = outputs.reshape(-1, outputs.shape[-1])
    size = len(rows.sample_target)
    sample, val = outputs[:size], outputs[size : size + len(rows.val_target)]
    losses_of = (
        _mean_loss(loss, sample, rows.sample_target, rows.sample_weight),
        _mean_loss(loss, val, rows.val_target, rows.val_weight),
    )
    return jnp.stack(losses_of), val


def _mean_loss(loss: losses.Loss, outputs: Any, target: Any, weight: Any) -> Any:
    return (loss.per_example(jax_ops, outputs, target) * weight).sum() / weight.sum()


def _matrix(outputs: Any) -> Any:
    return outputs[:, None] if outputs.ndim == 1 else outputs
