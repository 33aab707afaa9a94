"""One step of training, and an evaluation: what every program of epochs is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from luthier.catalog import losses, optimizers
from luthier.core.keys import fold_in
from luthier.engines.chunks.exchange import Carry, Draws, Examples, Numbers, Rows, Settings
from luthier.engines.compiled.augmentation import noisy, varied
from luthier.engines.compiled.layout import turn
from luthier.engines.compiled.lower import Masks
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.ops import jax_ops
from luthier.engines.compiled.real import Real

_TINY = 1.1754944e-38  # the smallest normal number of single precision


class Stepped(NamedTuple):
    """What a step leaves behind.

    Args:
        carry: What the next step begins with.
        seen: Data loss, penalty and gradient norm.
        gradients: Before clipping.
        factor: What clipping multiplies them with.
    """

    carry: Carry
    seen: Any
    gradients: dict[str, Any]
    factor: Any


def stepped(
    network: Lowered,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    old: Carry,
    fixed: Mapping[str, Any],
    chosen: Examples,
    numbers: Numbers,
    number: Any,
    reals: Settings,
    draws: Draws,
    turned: frozenset[str],
) -> Stepped:
    """Take one step.

    Args:
        network: The network.
        optimizer: How gradients become updates.
        loss: What is minimised.
        old: Where the last step ended.
        fixed: What never changes: frozen parameters and constant buffers.
        chosen: The step's examples.
        numbers: What schedule and draws decide; no share where nothing is mixed.
        number: The step's number, from the trial's beginning.
        reals: The recipe's numbers; no l1 where nothing is penalised.
        draws: What dropout masks and augmentation depend on; no thresholds where nothing is
            dropped, no kinds where no images are varied, no noise where none is added.
        turned: Which kernels lie transposed in the carry.
    """
    key = (draws.words[0], draws.words[1])
    if draws.kinds is not None:
        chosen = varied(chosen, draws.kinds, key, number.astype(jnp.uint32))
    if draws.noise is not None:
        chosen = noisy(chosen, draws.noise, key, number.astype(jnp.uint32))
    inputs, target, weight = _batch(chosen, numbers.share, reals.label_smoothing)
    masks = Masks(fold_in(key, number.astype(jnp.uint32)), draws.thresholds, draws.scales)

    def whole_loss(weights: dict[str, Any]) -> tuple[Any, Any]:
        tensors = {**fixed, **old.buffers, **turn(weights, turned)}
        outputs, updates, own = network.train(tensors, inputs, masks)
        outputs = _matrix(outputs)
        wanted = _shares(target, outputs)
        if wanted is not target:  # `_batch` had nothing to smooth yet
            wanted = losses.smooth(wanted, reals.label_smoothing)
        each = loss.per_example(jax_ops, outputs, wanted)
        value = (each * weight.reshape(-1)).sum() / jnp.maximum(weight.sum(), _TINY)
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
        network.trainable[: network.kernels],
        Real((number + 1).astype(jnp.float64)),
        numbers.rate,
        reals,
    )
    live = {**weights, **updates}
    average = {k: _averaged(a, live[k], numbers.decay) for k, a in old.average.items()}
    new = Carry(weights, {**old.buffers, **updates}, slots, average)
    return Stepped(new, jnp.stack([value, penalty, norm]), gradients, factor)


def squared(x: Any) -> Any:
    """Return the sum of squares."""
    return jnp.square(x).sum()


def _batch(chosen: Examples, share: Real | None, smoothing: Real) -> Examples:
    """Smooth and mix, as the recipe says; without either every number stays what it is."""
    if _are_labels(chosen.target):
        return chosen  # rows of several classes are not mixed
    smoothed = chosen._replace(target=losses.smooth(chosen.target, smoothing))
    floating = all(jnp.issubdtype(x.dtype, jnp.floating) for x in chosen.inputs)
    if share is None or not floating:
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
    dtype = jax.tree.leaves(weights)[0].dtype
    if not kernels or reals.l1 is None:
        return gradients, jnp.zeros((), dtype)
    pulled = {
        name: gradients[name] + reals.l1 * jnp.sign(weights[name]) + (2 * reals.l2) * weights[name]
        for name in kernels
    }

    def penalty() -> Any:
        sizes = sum((jnp.abs(weights[name]).sum() for name in kernels), start=0.0)
        squares = sum((squared(weights[name]) for name in kernels), start=0.0)
        return reals.l1 * sizes + reals.l2 * squares

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


def norms(
    kernels: tuple[str, ...],
    gradients: dict[str, Any],
    factor: Any,
    old: dict[str, Any],
    new: dict[str, Any],
) -> Any:
    """Return the norms of gradient, weights and change of each kernel."""
    rows = [
        [squared(gradients[name] * factor) for name in kernels],
        [squared(old[name]) for name in kernels],
        [squared(new[name] - old[name]) for name in kernels],
    ]
    return jnp.sqrt(jnp.stack([jnp.stack(row) for row in rows])) if kernels else jnp.zeros((3, 0))


def evaluation(
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
    each = loss.per_example(jax_ops, outputs, _shares(target, outputs))
    return (each * weight).sum() / weight.sum()


def _are_labels(target: Any) -> bool:
    return bool(jnp.issubdtype(target.dtype, jnp.integer))


def _shares(target: Any, outputs: Any) -> Any:
    """Return targets as a loss takes them; class numbers of positions become shares of classes.

    One beyond the last class is what counts nothing: it has no share.
    """
    if not _are_labels(target):
        return target
    if outputs.shape[-1] == 1:
        return (target.reshape(-1, 1) == 1).astype(outputs.dtype)
    return jax.nn.one_hot(target.reshape(-1), outputs.shape[-1], dtype=outputs.dtype)


def _matrix(outputs: Any) -> Any:
    return outputs[:, None] if outputs.ndim == 1 else outputs
