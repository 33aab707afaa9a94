"""A constant learning rate."""

from __future__ import annotations

from luthier.catalog.schedules.schedule import Progress, Schedule
from luthier.core import Recipe


def factor(progress: Progress, recipe: Recipe) -> float:
    """Return 1: the start of any tuning, as the Deep Learning Tuning Playbook advises.

    >>> factor(Progress(7, 10, 5), Recipe())
    1.0
    """
    return 1.0


CONSTANT = Schedule("constant", (), factor, "Godbole et al. 2023, Deep Learning Tuning Playbook")
