"""Strategies: pure functions of space, history and a random generator to the next steps."""

from luthier.core import Strategy, did_you_mean
from luthier.search.halving import Halving

ALL: tuple[tuple[str, Strategy], ...] = (("halving", Halving()),)


def by_name(name: str) -> Strategy:
    """Return the strategy of a name, with its default settings.

    >>> by_name("halving")
    Halving(batch=8, eta=3, first=0.0625, reserve=2.0)
    """
    strategies = dict(ALL)
    if name not in strategies:
        known = ", ".join(strategies)
        raise ValueError(f"no strategy '{name}'.{did_you_mean(name, strategies)} There is: {known}")
    return strategies[name]
