"""Which parameter mattered: how much of the trials' ranks each one explains by itself."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

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


def explained(groups: Sequence[Hashable], losses: Sequence[float]) -> float | None:
    """Return the share of the ranks' variance that groups explain beyond chance.

    It is epsilon squared (Kelley 1935), the analysis of variance's share corrected for what so
    many groups explain of pure noise, on ranks, so that one diverged trial counts as one. It is
    blind to what two parameters only do together.

    Returns:
        Between 0 and 1; None where there are too few trials for so many groups.

    >>> explained("aaabbb", [1, 2, 3, 4, 5, 6])
    0.71...
    >>> explained("ababab", [1, 2, 3, 4, 5, 6])
    0.0
    """
    count, by_group = len(losses), defaultdict(list)
    for group, rank in zip(groups, _ranks(losses), strict=True):
        by_group[group].append(rank)
    inside = count - len(by_group)
    if len(by_group) < 2 or inside < len(by_group):
        return None
    mean = (count - 1) / 2
    total = sum((rank - mean) ** 2 for ranks in by_group.values() for rank in ranks)
    between = sum(len(ranks) * (sum(ranks) / len(ranks) - mean) ** 2 for ranks in by_group.values())
    if total <= 0:
        return None
    noise = (total - between) / inside
    return max(0.0, (between - (len(by_group) - 1) * noise) / total)


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


def _ranks(losses: Sequence[float]) -> list[float]:
    """Return ranks from 0; equals share their mean, and what is no number comes last."""
    keys = [loss if loss == loss else math.inf for loss in losses]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = [0.0] * len(keys)
    begin = 0
    while begin < len(order):
        end = begin
        while end + 1 < len(order) and keys[order[end + 1]] == keys[order[begin]]:
            end += 1
        for place in order[begin : end + 1]:
            ranks[place] = (begin + end) / 2
        begin = end + 1
    return ranks
