"""Where trials are compared, and into which parts a range is cut."""

from __future__ import annotations

import math

from luthier.core import History, Trial


def common_epochs(history: History, share: float = 0.8) -> int:
    """Return the most epochs that so many of the trials have reached: there they compare.

    Args:
        history: The trials.
        share: Of the trials with a score. The few that stopped even earlier, most of them failed,
            must not decide where all others are compared.
    """
    epochs = sorted((t.epochs for t in history.trials if t.epochs), reverse=True)
    return epochs[math.ceil(share * len(epochs)) - 1] if epochs else 0


def bin_of(place: float | None, bins: int) -> int | None:
    """Return which of equal parts of [0, 1] a place lies in; None is a part of its own.

    >>> bin_of(0.99, 4), bin_of(1.0, 4), bin_of(None, 4)
    (3, 3, None)
    """
    return None if place is None else min(int(place * bins), bins - 1)


def bins_for(trials: int, *, least: int = 2, most: int = 8, each: int = 8) -> int:
    """Return into how many parts to cut a range: as many as leave some trials in each.

    Args:
        trials: How many there are.
        least: Fewer tell nothing.
        most: More cannot be told apart by eye.
        each: Trials in a part, on average: a mean of fewer is noise.
    """
    return min(max(trials // each, least), most)


def compared(history: History, epochs: int) -> list[tuple[Trial, float]]:
    """Return the trials that reached an epoch, or failed before, with their loss there."""
    return [
        (trial, history.loss(trial, epochs))
        for trial in history.trials
        if trial.epochs >= epochs or trial.state == "failed"
    ]
