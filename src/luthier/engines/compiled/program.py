"""How a trial trains: an epoch as one compiled program, with everything a recipe sets as input."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from luthier.catalog import losses, optimizers
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
from luthier.engines.compiled.layout import turn_carry
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.real import Real
from luthier.engines.compiled.step import evaluation, norms, stepped


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
        number = first + index
        new, values, gradients, factor = stepped(
            network,
            optimizer,
            loss,
            old,
            fixed,
            chosen,
            now,
            number,
            reals,
            draws,
            turned,
        )
        shown = lax.cond(
            index == count - 1,
            lambda: norms(kernels, gradients, factor, old.weights, new.weights),
            lambda: jnp.zeros((3, len(kernels)), values.dtype),
        )
        seen = lax.dynamic_update_index_in_dim(seen, values, index, 0)
        return new, seen, shown

    dtype = examples.weight.dtype
    start = (
        turn_carry(carry, turned),
        jnp.zeros((len(steps.numbers), 3), dtype),
        jnp.zeros((3, len(kernels)), dtype),
    )
    carry, seen, shown = lax.fori_loop(0, count, take, start)
    carry = turn_carry(carry, turned)
    tensors = {**fixed, **carry.buffers, **carry.average}
    losses_of, outputs = evaluation(network, loss, tensors, evaluated)
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


def _joined(outcome: Outcome) -> Any:
    """Return all of it as one vector, which is one transfer."""
    return jnp.concatenate([part.reshape(-1) for part in outcome])
