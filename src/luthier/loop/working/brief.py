"""Whether what is left to train is done before other processes would have started."""

from __future__ import annotations

import numpy as np

from luthier.core import History
from luthier.loop.working.work import Work

FRESH = 3.0  # a fresh process has imported PyTorch and got the data: two cores of 2024


def brief(work: Work, history: History, *, start: float = FRESH) -> bool:
    """Tell whether a plan's trainings take less time than worker processes take to begin.

    Args:
        work: With the plan that decides; a search goes on for as long as its budget.
        history: Of the study so far: its pace tells what an epoch takes.
        start: Seconds that are brief. A nursery's workers begin at once: it is not asked.
    """
    epochs = sum(trial.epochs for trial in history.trials)
    if work.plan is None or not epochs:
        return False
    steps = work.plan(work.study.space, history, np.random.default_rng(0))
    known = {trial.number: trial.epochs for trial in history.trials}
    left = sum(step.until - (0 if step.trial is None else known[step.trial]) for step in steps)
    pace = sum(sum(trial.curves.seconds) for trial in history.trials) / epochs
    return left * pace < start
