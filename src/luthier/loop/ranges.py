"""The ranges that a study searches now: those it began with, moved by what it found."""

from __future__ import annotations

from luthier.catalog.recipe_keys import limits
from luthier.core import History, Space, StudyRecord
from luthier.search.growing import Moved, grown


def searched(record: StudyRecord, history: History) -> tuple[Space, list[Moved]]:
    """Return a study's space as it is searched after some trials, and what was moved.

    Ranges that the user gave stay, and so do those of a builder's arguments: what a network can be
    built with, its builder knows. A range of the defaults moves within what its key can be.

    Args:
        record: Says in ``about["grows"]`` which ranges are not the user's.
        history: The trials so far.
    """
    names = record.about.get("grows") or ()
    return grown(record.space, history.searched, limits(names))
