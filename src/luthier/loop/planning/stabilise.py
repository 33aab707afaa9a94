"""Stability before search: at twice the best rate, and what is done where that is unstable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from luthier.catalog import families
from luthier.core import Edit, Recipe, nothing
from luthier.loop.assembly import Assembly
from luthier.loop.planning.steps import Stepped, stepped
from luthier.loop.training.trainer import Trainer
from luthier.search.rates.stability import CLIPPED, STEPS, clip_norm, clipped, warmups

CHANGED = "stable, by a change to the network, which luthier repair makes and proves"
HALVINGS = 6  # of the rate, at most: one that is 64 times too high was no best rate


@dataclass(frozen=True)
class Stability:
    """A recipe that is stable with head-room, and how it came to be.

    Args:
        recipe: It.
        stable: Whether it is; nothing helped otherwise.
        said: What was tried, a line each.
        steps: That took.
        edit: A change to the network that would make it stable, too; its builder is the user's.
    """

    recipe: Recipe
    stable: bool
    said: tuple[str, ...]
    steps: int
    edit: Edit | None = None


def stabilised(
    parts: Assembly,
    trainer: Trainer,
    recipe: Recipe,
    seed: int,
    *,
    steps: int = STEPS,
    most: float = math.inf,
    before: Callable[[], None] = nothing,
    notify: Callable[[str], None] = nothing,
) -> Stability:
    """Return a recipe that stays stable at twice its rate.

    The tuning playbook's order, each only where the one before did not help: warm-up, the shortest
    that is stable and at most a tenth of the training; gradients clipped at the 90th percentile of
    their norms, unless that clips more than half of the updates; a normalised network, for a family
    that can be, or normalisation and residual blocks that begin as the identity by a change to the
    user's network, which is told and not made; the rate halved.

    Args:
        parts: Builder and data.
        trainer: Knows the engines.
        recipe: With the best rate so far.
        seed: Decides weights, order and masks.
        steps: Of each look; a warm-up comes on top.
        most: Steps in all, after which no further look begins.
        before: Called before every few steps; what it raises ends all.
        notify: Called with each line.
    """
    said: list[str] = []
    spent = 0

    def look(one: Recipe, warmup: int, edited: Assembly | None = None) -> Stepped:
        nonlocal spent
        twice = one.replace({"learning_rate": 2 * one.learning_rate, "schedule": "constant"})
        other = trainer if edited is None else edited.trainer(trainer.choice.wanted)
        found = stepped(edited or parts, other, twice, seed, steps + warmup, before=before)
        spent += len(found.losses)
        return found

    def tell(line: str) -> None:
        said.append(line)
        notify(line)

    first = look(recipe, 0)
    if first.wrong is None:
        tell(f"stable for {len(first.losses)} steps at twice the rate {recipe.learning_rate:.2g}")
        return Stability(recipe, True, tuple(said), spent)
    tell(f"unstable at twice the rate {recipe.learning_rate:.2g}: {first.wrong}")
    calm = stepped(
        parts, trainer, recipe.replace({"schedule": "constant"}), seed, steps, before=before
    )
    spent += len(calm.losses)
    advised: Edit | None = None
    for what, one, warmup, edit in _remedies(parts, recipe, calm, seed):
        if spent >= most:
            tell("more looks would cost too much")
            break
        if edit is not None:
            if advised is None:
                wrong = look(one, warmup, _with(parts, edit)).wrong
                advised = edit if wrong is None else None
                tell(f"{what}: {wrong or CHANGED}")
            continue
        found = look(one, warmup)
        if found.wrong is None and one.clip_norm is not None and recipe.clip_norm is None:
            share = clipped(found.norms, one.clip_norm)
            if share > CLIPPED:
                tell(f"{what} clips {share:.0%} of the updates, which is a lower rate: left out")
                continue
        tell(f"{what}: {found.wrong or 'stable'}")
        if found.wrong is None:
            return Stability(one, True, tuple(said), spent, advised)
    return Stability(recipe, False, tuple(said), spent, advised)


def _with(parts: Assembly, edit: Edit) -> Assembly:
    """Return parts whose builder makes an edit to its network."""
    return replace(parts, build=parts.framework.repaired(parts.build, [edit]))


def _remedies(
    parts: Assembly, recipe: Recipe, calm: Stepped, seed: int
) -> Iterator[tuple[str, Recipe, int, Edit | None]]:
    """Yield what may help: in words, as a recipe, the steps of its warm-up, a network's change."""
    arrays = parts.preparation.arrays(recipe)
    total = recipe.epochs * recipe.updates(len(arrays.train))
    for length in warmups(total):
        if length > recipe.warmup * total:
            share = float(f"{length / total:.6g}")
            yield f"warm-up of {length:,} steps", recipe.replace({"warmup": share}), length, None
    limit = clip_norm(calm.norms)
    if limit is not None and recipe.clip_norm is None:
        yield f"gradients clipped at {limit:g}", recipe.replace({"clip_norm": limit}), 0, None
    family = recipe.network in _families()
    if family and recipe.model.get("normalisation") == "none":
        yield "layer normalisation", recipe.replace({"model.normalisation": "layer"}), 0, None
    for edit in parts.framework.edits(parts.build, recipe, arrays, seed):
        if edit.name == "zero_residual" or (edit.name == "normalise" and not family):
            yield edit.advice, recipe, 0, edit
    for halving in range(1, HALVINGS + 1):
        rate = float(f"{recipe.learning_rate / 2**halving:.3g}")
        yield f"a rate of {rate:.2g}", recipe.replace({"learning_rate": rate}), 0, None


def _families() -> tuple[str, ...]:
    return tuple(family.name for family in families.ALL)
