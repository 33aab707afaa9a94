"""Strategies: pure functions of space, history and a random generator to the next steps."""

from luthier.core import LuthierError, Strategy, did_you_mean
from luthier.search.freeze_thaw import FreezeThaw
from luthier.search.halving import Halving
from luthier.search.random import Random

ALL: tuple[tuple[str, Strategy], ...] = (
    ("freeze_thaw", FreezeThaw()),
    ("halving", Halving()),
    ("random", Random()),
)


def by_name(name: str) -> Strategy:
    """Return the strategy of a name, with its default settings.

    Raises:
        LuthierError: when there is none of that name.

    >>> by_name("halving")
    Halving(batch=8, eta=3, first=0.0625, reserve=2.0, local=0.5)
    """
    strategies = dict(ALL)
    if name not in strategies:
        raise LuthierError(
            f"no strategy '{name}'.{did_you_mean(name, strategies)} "
            f"There is: {', '.join(strategies)}. Leave it out to take the best there is."
        )
    return strategies[name]
