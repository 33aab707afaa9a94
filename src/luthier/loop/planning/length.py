"""How long to train: a number, or what it takes to fit the training data without regularisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.core import LuthierError, Recipe, Storage, StudyRecord
from luthier.loop.assembly import Assembly
from luthier.loop.limits import Limits
from luthier.loop.lr import guessing
from luthier.loop.training.trainer import TrialError
from luthier.loop.working.budget import LENGTH

FIT = "fit"
FITTED = 0.05  # of what guessing loses: little of the training rows is left to learn
STALLED = 0.01  # of it: who falls by less in a quarter of the training learns no more of them
SHORTEST = 10  # epochs: with fewer no schedule has a shape
LONGEST = 4  # times the usual length, at most
_FREE: dict[str, Any] = {
    "l1": 0.0,
    "l2": 0.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "noise": 0.0,
    "dropout": 0.0,
    "augmentation": "none",
    "schedule": "constant",
}


@dataclass(frozen=True)
class Length:
    """How long the trainings of a study are.

    Args:
        epochs: Of a full training.
        spent: On finding it out.
        said: What was seen, in a line.
    """

    epochs: int
    spent: int = 0
    said: str = ""


def read_length(length: int | str | None) -> int | str | None:
    """Read a length as users write it.

    Raises:
        LuthierError: for what is neither a number of epochs nor ``fit``.

    >>> read_length("40"), read_length("fit"), read_length(None)
    (40, 'fit', None)
    """
    if length is None or length == FIT:
        return length
    try:
        epochs = int(length)
    except ValueError:
        epochs = 0
    if epochs < 1:
        raise LuthierError(
            f"--length {length} is no number of epochs. Write how long one training is, "
            "--length 60, or have it found out: --length fit. What all may take is --epochs."
        )
    return epochs


def fitted_at(
    losses: Sequence[float],
    guess: float,
    *,
    fitted: float = FITTED,
    stalled: float = STALLED,
    least: int = SHORTEST,
) -> int | None:
    """Return the epoch by which the training data were fit, or no more came; None while they fall.

    Args:
        losses: Training loss in evaluation mode after each epoch.
        guess: What guessing loses.
        fitted: Share of it that counts as fit.
        stalled: Share of it by which the best loss has to have fallen in the last quarter of the
            epochs, else no more is to come.
        least: With fewer epochs there is no stall.

    >>> fitted_at([1.0, 0.5, 0.2, 0.04], guess=2.3), fitted_at([2.0, 1.5], guess=2.3)
    (4, None)
    >>> fitted_at([2.0] + [1.5] * 19, guess=2.3)
    2
    """
    best, reached = math.inf, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss <= fitted * guess:
            return epoch
        if loss < best - stalled * guess:
            best, reached = loss, epoch
    done = len(losses)
    return reached if done >= 2 * least and reached <= 0.75 * done else None


def found_length(record: StudyRecord, parts: Assembly, storage: Storage) -> Length:
    """Train the baseline once without regularisation, at a constant rate, until it fits.

    The playbook's first length: what it takes to fit the training data; a network that is
    held back then has as long. No more than `LONGEST` times the usual length.

    Args:
        record: Of the study that is about to begin.
        parts: Builder and data.
        storage: Of the study; nothing is stored.
    """
    base = record.space.baseline
    most = LONGEST * base.epochs
    free = _unregularised(base).replace({"epochs": most})
    trainer = parts.trainer(record.about["engine"], limits=Limits.of(record))
    guess = guessing(parts.arrays, free)
    losses: Sequence[float] = ()
    try:
        run = trainer.start(free, record.seed, most)
        while not run.ended:
            run.epoch()
            losses = run.curves.train_loss_eval or run.curves.train_loss
            at = fitted_at(losses, losses[0] if guess is None else guess)
            if at is not None:
                return Length(_kept(at), len(losses), _said(at, losses, guess))
    except TrialError as error:
        return Length(base.epochs, len(losses), f"the usual length: {error}")
    if run.diverged:
        return Length(base.epochs, len(losses), "the usual length: it diverges unregularised")
    return Length(most, len(losses), f"still fitting the training rows after {most} epochs")


def of_length(record: StudyRecord, found: Length) -> StudyRecord:
    """Return a record whose trainings have a length that was found, and what that took."""
    baseline = record.space.baseline.replace({"epochs": found.epochs})
    about = {**record.about, LENGTH: {"said": found.said, "epochs": found.spent}}
    return replace(record, space=replace(record.space, baseline=baseline), about=about)


def lasting(parts: Assembly, epochs: int) -> Assembly:
    """Return parts whose baseline has another length."""
    recipe = parts.recipe.replace({"epochs": epochs})
    return replace(parts, recipe=recipe, about=replace(parts.about, recipe=recipe))


def _unregularised(recipe: Recipe) -> Recipe:
    """Return a recipe without what holds it back; None of dropout is a network's own."""
    return recipe.replace({key: v for key, v in _FREE.items() if recipe.get(key) is not None})


def _kept(epochs: int) -> int:
    return max(SHORTEST, epochs)


def _said(at: int, losses: Sequence[float], guess: float | None) -> str:
    start = losses[0] if guess is None else guess
    how = "fits the training rows" if losses[-1] <= FITTED * start else "learns no more of its rows"
    return f"a training is {_kept(at)} epochs: without regularisation the network {how} in {at}"
