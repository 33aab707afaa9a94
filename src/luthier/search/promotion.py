"""The rule of successive halving over paused trials, and how a search takes its best to the end."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from luthier.core import History, Step, Trial


def rungs(full: int, first: float, growth: int) -> list[int]:
    """Return the epochs at which trials are compared, the last one a full training.

    Args:
        full: Epochs of a full training.
        first: The first of them, as a share of it.
        growth: From one to the next.

    >>> rungs(50, 1 / 16, 3)
    [3, 9, 27, 50]
    """
    rung = max(1, round(first * full))
    found = []
    while rung < full:
        found.append(rung)
        rung *= growth
    return [*found, full]


def promotions(
    trials: Iterable[Trial],
    at: Sequence[int],
    eta: int,
    loss: Callable[[Trial, int], float],
    *,
    least: int = 0,
) -> list[Step]:
    """Return the steps of the trials that go on, those at the deepest rung first.

    "ASHA", Li et al. 2020, but that nothing is thrown away: a trial that does not rank high enough
    stays paused, and goes on as soon as later ones at its rung make it one of the best.

    Args:
        trials: Those that compete; failed ones count as reached and lost.
        at: The rungs.
        eta: One in how many goes on from a rung.
        loss: Of a trial at an epoch; lower is better.
        least: How many go on from a rung that fewer than `eta` have reached.
    """
    entered = list(trials)
    steps: list[Step] = []
    for rung, following in reversed(list(pairwise(at))):
        reached = [t for t in entered if t.epochs >= rung or t.state == "failed"]
        ranked = sorted(reached, key=lambda t: (loss(t, rung), t.number))
        steps += [
            Step(following, trial=trial.number)
            for trial in ranked[: max(least, len(reached) // eta)]
            if trial.state == "paused" and rung <= trial.epochs < following
        ]
    return steps


def kept(history: History, full: int, reserve: float, *, share: float = 0.25) -> float:
    """Return the epochs that are kept for taking the best trials to their end.

    Args:
        history: What was spent, and what is left.
        full: Epochs of a full training.
        reserve: How many full trainings' worth, where the budget is large.
        share: Of the whole budget, at most: a small one has to search, too.

    >>> kept(History(epochs_left=1000), 50, 2.0), kept(History(epochs_left=100), 50, 2.0)
    (100.0, 25.0)
    """
    return min(reserve * full, share * (history.epochs + history.epochs_left))


def cut_short(history: History, full: int) -> list[Trial]:
    """Return the trials that wait for being resumed, in the order of their numbers."""
    return [trial for trial in history.trials if trial.state == "paused" and trial.epochs < full]


def last_step(history: History, full: int, reserve: float) -> Step | None:
    """Return the step that takes the best paused trial to its end, once the budget is nearly spent.

    Args:
        history: The trials, and what is left.
        full: Epochs of a full training.
        reserve: As in `kept`.
    """
    paused = cut_short(history, full)
    if history.epochs_left > kept(history, full, reserve) and history.trials_left > 0:
        return None
    if history.trials_left <= 0 and history.epochs_left == math.inf:
        paused = [trial for trial in paused if trial == history.best]
    best = min(paused, key=lambda t: (history.loss(t), t.number), default=None)
    return None if best is None else Step(full, trial=best.number)


def within(steps: Sequence[Step], history: History, full: int, reserve: float) -> list[Step]:
    """Return as many steps of a decision as leave the reserve alone; one at least.

    >>> within([Step(30), Step(30)], History(epochs_left=70), 30, reserve=2.0)
    [Step(until=30, trial=None, ...)]
    """
    begun = {trial.number: trial.epochs for trial in history.trials}
    left = history.epochs_left - kept(history, full, reserve)
    paid: list[Step] = []
    for step in steps:
        copied = 0 if step.parent is None else step.parent[1]
        left -= step.until - (copied if step.trial is None else begun[step.trial])
        if paid and left < 0:
            break
        paid.append(step)
    return paid
