"""An epoch of many trials at once: one trial's steps, mapped over lanes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from luthier.catalog import losses, optimizers
from luthier.core import Task
from luthier.engines.chunks.exchange import (
    Carry,
    Draws,
    Examples,
    Numbers,
    Rows,
    Settings,
    Steps,
)
from luthier.engines.compiled.layout import turn_carry
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.real import Real
from luthier.engines.compiled.step import Stepped, evaluation, norms, stepped
from luthier.engines.packed.metrics import Truth, scores, told
from luthier.engines.packed.orders import epoch_order


class Features(NamedTuple):
    """What the trials of a pack need beyond plain training; what none needs costs nothing.

    In a program for one trial a branch decides. In a pack every lane would take both sides.

    >>> both = Features(mixes=True).union(Features(averages=True))
    >>> both.drops, both.mixes, both.averages
    (False, True, True)
    """

    drops: bool = False
    mixes: bool = False
    penalises: bool = False
    averages: bool = False
    weighs: bool = False  # by class
    varies: bool = False  # images
    noises: bool = False

    def union(self, other: Features) -> Features:
        """Return what either needs."""
        return Features(*(mine or theirs for mine, theirs in zip(self, other, strict=True)))


class Lanes(NamedTuple):
    """The trials of a pack, first axis the lane."""

    carry: Carry
    fixed: dict[str, Any]
    settings: Any  # the recipes' numbers
    draws: Draws
    order: Any  # the two words of the key that orders of rows are drawn from
    weight: Any  # of each training row; the same for all lanes where no recipe weighs by class


class Epoch(NamedTuple):
    """What lanes are given for an epoch, first axis the lane."""

    steps: Steps  # as rows the epoch's number, which their order is drawn from
    first: Any  # number of the epoch's first step
    limit: Any  # steps to take: 0 leaves a lane as it is


class Shown(NamedTuple):
    """What an epoch showed, first axis the lane.

    Attributes:
        told: In double precision, one vector a lane, as one transfer is faster than many: means
            of data loss, penalty and gradient norm over the steps; losses of the sample and of
            the validation part; the metrics that the program tells; gradient, weight and change
            norms of each kernel at the last step.
        steps: Data loss, penalty and gradient norm of each step.
        outputs: On the validation part, where the host computes a metric; else None.
    """

    told: Any
    steps: Any
    outputs: Any


def lane(
    network: Lowered,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    features: Features,
    task: Task,
    batch_size: int,
    lanes: Lanes,
    inputs: tuple[Any, ...],
    target: Any,
    epoch: Epoch,
    evaluated: Rows,
    truth: Truth,
) -> tuple[Carry, Shown]:
    """Train one lane for an epoch, and evaluate it.

    How many steps a program takes is fixed, so that a GPU need not ask the host before each of
    them; steps beyond a lane's limit are computed and thrown away.
    """
    examples = Examples(inputs, target, lanes.weight)
    reals = _reals(lanes.settings, features)
    draws = lanes.draws if features.drops else lanes.draws._replace(thresholds=None)
    draws = draws if features.varies else draws._replace(kinds=None)
    draws = draws if features.noises else draws._replace(noise=None)
    key = (lanes.order[0], lanes.order[1])
    batches = epoch_order(key, epoch.steps.rows, target.shape[0], batch_size)
    count = batches.shape[0]
    turned = network.turned(lanes.carry.weights)

    def one(old: Carry, rows: Any, numbers: Any, index: Any) -> Stepped:
        now = Numbers(*(Real(value) for value in numbers))
        taken = stepped(
            network,
            optimizer,
            loss,
            old,
            lanes.fixed,
            jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), examples),
            now if features.mixes else now._replace(share=None),
            epoch.first + index,
            reals,
            draws,
            turned,
        )
        keep = index < epoch.limit
        carry = jax.tree.map(lambda new, old: jnp.where(keep, new, old), taken.carry, old)
        return taken._replace(carry=carry)

    def take(old: Carry, given: tuple[Any, Any, Any]) -> tuple[Carry, Any]:
        new = one(old, *given)
        return new.carry, new.seen

    rows, numbers = batches, epoch.steps.numbers
    index = jnp.arange(count)
    start = turn_carry(lanes.carry, turned)
    before, seen = lax.scan(take, start, (rows[:-1], numbers[:-1], index[:-1]))
    # The last step apart: norms are of it alone, and a branch would stop a GPU at every step.
    last = one(before, rows[-1], numbers[-1], index[-1])
    kernels = network.trainable[: network.kernels]
    shown = norms(kernels, last.gradients, last.factor, before.weights, last.carry.weights)
    carry = turn_carry(last.carry, turned)
    tensors = {**lanes.fixed, **carry.buffers, **carry.weights, **carry.average}
    losses_of, outputs = evaluation(network, loss, tensors, evaluated)
    seen = jnp.concatenate([seen, last.seen[None]])
    parts = (seen.astype(jnp.float64).mean(0), losses_of, scores(task, outputs, truth), shown)
    vector = jnp.concatenate([part.astype(jnp.float64).reshape(-1) for part in parts])
    return carry, Shown(vector, seen, None if told(task) == tuple(task.metrics) else outputs)


def pack_program(
    network: Lowered, optimizer: str, loss: str, features: Features, task: Task, batch_size: int
) -> Any:
    """Return an epoch of a pack, to be compiled for each number of lanes.

    Args:
        network: What all lanes train.
        optimizer: Name of how gradients become updates.
        loss: Name of what is minimised.
        features: What else the lanes' recipes ask for.
        task: What is to be learned: it names the metrics.
        batch_size: Rows of a step.
    """
    formula = optimizers.by_name(optimizer, network.framework)
    parts = (network, formula, losses.by_name(loss), features, task, batch_size)
    lanes: Any = (0, 0, 0, 0, 0, 0 if features.weighs else None)
    axes = Lanes(*lanes)
    mapped = jax.vmap(partial(lane, *parts), in_axes=(axes, None, None, 0, None, None))

    def program(
        lanes: Lanes,
        inputs: tuple[Any, ...],
        target: Any,
        epoch: Epoch,
        evaluated: Rows,
        truth: Truth,
    ) -> tuple[Carry, Shown]:
        with jax.default_matmul_precision("highest"):  # not the GPU's shorter one
            result: tuple[Carry, Shown] = mapped(lanes, inputs, target, epoch, evaluated, truth)
        return result

    return program


def chosen(mask: Any, new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lane's new arrays where the mask has it, else its old ones."""

    def pick(fresh: Any, kept: Any) -> Any:
        return jnp.where(mask.reshape(-1, *(1 for _ in fresh.shape[1:])), fresh, kept)

    return {name: pick(value, old[name]) for name, value in new.items()}


def placed_in(whole: Any, lanes: Any, new: Any) -> Any:
    """Return a pack's arrays with some lanes' replaced."""
    return jax.tree.map(lambda a, b: a.at[lanes].set(b), whole, new)


def _reals(settings: Any, features: Features) -> Settings:
    reals = Settings(*(Real(value) for value in settings))
    return reals if features.penalises else reals._replace(l1=None)
