"""Single steps of a training, watched, and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from luthier.core import Recipe, nothing
from luthier.loop.assembly import Assembly
from luthier.loop.training.trainer import Trainer
from luthier.search.rates.stability import unstable

PIECE = 50  # steps between looks: a training that diverges is cut within so many


@dataclass(frozen=True)
class Stepped:
    """What some steps showed.

    Args:
        losses: Of each step.
        norms: Of each step's gradient, before clipping.
        val_loss: Validation loss after them.
        wrong: What is unstable, in words; None where nothing is.
    """

    losses: tuple[float, ...]
    norms: tuple[float, ...]
    val_loss: float
    wrong: str | None


def stepped(
    parts: Assembly,
    trainer: Trainer,
    recipe: Recipe,
    seed: int,
    steps: int,
    *,
    before: Callable[[], None] = nothing,
) -> Stepped:
    """Train some steps and say what they showed; one that diverges is cut at that step.

    Args:
        parts: Builder and data.
        trainer: Knows the engines.
        recipe: What is trained.
        seed: Decides weights, order and masks.
        steps: How many, at most.
        before: Called before each piece of them; what it raises ends the look.
    """
    arrays = parts.preparation.arrays(recipe)
    captured = parts.framework.capture(parts.build, recipe, arrays, seed)
    name = trainer.choice.name(captured, arrays, recipe, seed, epochs=1)
    engine = trainer.choice.engine(name)
    engine.open(captured, arrays)
    state = captured.initial
    losses: list[float] = []
    norms: list[float] = []
    val_loss = float("nan")
    turn = 0
    while len(losses) < steps:
        before()
        # Each piece has a seed, and with it an order of rows, of its own.
        engine.put(0, recipe, seed + turn, state)
        seen = engine.rehearse(0, min(PIECE, steps - len(losses)))
        losses += seen.losses
        norms += seen.norms
        state, val_loss, turn = seen.state, seen.val_loss, turn + 1
        wrong = unstable(losses)
        if wrong is not None or not seen.losses:
            return Stepped(tuple(losses), tuple(norms), val_loss, wrong)
    return Stepped(tuple(losses), tuple(norms), val_loss, unstable(losses))
