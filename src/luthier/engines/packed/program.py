"""An epoch's steps of many trials at once: one trial's, mapped over lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from luthier.catalog import losses, optimizers
from luthier.engines.chunks.exchange import (
    Carry,
    Draws,
    Examples,
    Numbers,
    Settings,
    Steps,
)
from luthier.engines.compiled.layout import turn_carry
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.real import Real
from luthier.engines.compiled.step import Stepped, norms, stepped
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


class Trained(NamedTuple):
    """Where an epoch's steps have ended, first axis the lane.

    Attributes:
        carry: What the next epoch begins with.
        steps: Data loss, penalty and gradient norm of each step.
        norms: Gradient, weight and change norms of each kernel at the last step.
    """

    carry: Carry
    steps: Any
    norms: Any


def trained(
    network: Lowered,
    optimizer: optimizers.Optimizer,
    loss: losses.Loss,
    features: Features,
    batch_size: int,
    lanes: Lanes,
    inputs: tuple[Any, ...],
    target: Any,
    epoch: Epoch,
) -> Trained:
    """Train one lane for an epoch.

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
    seen = jnp.concatenate([seen, last.seen[None]])
    at_end = norms(kernels, last.gradients, last.factor, before.weights, last.carry.weights)
    return Trained(turn_carry(last.carry, turned), seen, at_end)


def training_program(
    network: Lowered, optimizer: str, loss: str, features: Features, batch_size: int
) -> Callable[[Lanes, tuple[Any, ...], Any, Epoch], Trained]:
    """Return an epoch's steps of a pack, to be compiled for each number of lanes.

    Args:
        network: What all lanes train.
        optimizer: Name of how gradients become updates.
        loss: Name of what is minimised.
        features: What else the lanes' recipes ask for.
        batch_size: Rows of a step.
    """
    formula = optimizers.by_name(optimizer, network.framework)
    one = partial(trained, network, formula, losses.by_name(loss), features, batch_size)
    lanes: Any = (0, 0, 0, 0, 0, 0 if features.weighs else None)
    mapped = jax.vmap(one, in_axes=(Lanes(*lanes), None, None, 0))

    def program(lanes: Lanes, inputs: tuple[Any, ...], target: Any, epoch: Epoch) -> Trained:
        with jax.default_matmul_precision("highest"):  # not the GPU's shorter one
            ended: Trained = mapped(lanes, inputs, target, epoch)
        return ended

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
