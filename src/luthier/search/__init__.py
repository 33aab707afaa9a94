"""Strategies: pure functions of space, history and a random generator to the next steps."""

from luthier.core import Bound, Goal, LuthierError, Strategy, Trial, did_you_mean
from luthier.search.bounded import Bounded
from luthier.search.earlier import Following
from luthier.search.few import Few
from luthier.search.freeze_thaw import FreezeThaw
from luthier.search.grid import Grid
from luthier.search.halving import Halving
from luthier.search.hyperband import Hyperband
from luthier.search.optuna import Optuna
from luthier.search.pbt import PBT
from luthier.search.random import Random
from luthier.search.rounds import Rounds
from luthier.search.scalarised import Scalarised
from luthier.search.sobol import Sobol
from luthier.search.tpe import TPE

ALL: tuple[tuple[str, Strategy], ...] = (
    ("freeze_thaw", FreezeThaw()),
    ("halving", Halving()),
    ("hyperband", Hyperband()),
    ("tpe", TPE()),
    ("pbt", PBT()),
    ("optuna", Optuna()),
    ("random", Random()),
    ("sobol", Sobol()),
    ("grid", Grid()),
)


def by_name(name: str) -> Strategy:
    """Return the strategy of a name, with its default settings.

    Args:
        name: One of `ALL`, ``optuna:`` and the name of a sampler of Optuna's, or ``few``, which
            `luthier plan` takes: ``few:2`` keeps two trials for other seeds of the winner.

    Raises:
        LuthierError: when there is none of that name.

    >>> by_name("halving")
    Halving(batch=8, eta=3, first=0.0625, reserve=2.0, local=0.5)
    >>> by_name("optuna:GPSampler").sampler
    'GPSampler'
    """
    if name.startswith("optuna:"):
        return Optuna(name.removeprefix("optuna:"))
    if name == "few" or (name.startswith("few:") and name.removeprefix("few:").isdigit()):
        return Few(seeds=int(name.removeprefix("few").removeprefix(":") or 0))
    strategies = dict(ALL)
    if name not in strategies:
        raise LuthierError(
            f"no strategy '{name}'.{did_you_mean(name, strategies)} "
            f"There is: {', '.join(strategies)}. Leave it out to take the best there is."
        )
    return strategies[name]


def for_goals(
    name: str,
    goals: tuple[Goal, ...],
    bounds: tuple[Bound, ...] = (),
    earlier: tuple[Trial, ...] = (),
) -> Strategy:
    """Return the strategy of a name, for several goals, bounds and rounds where there are any.

    Args:
        name: Of the strategy.
        goals: To be traded against the metric.
        bounds: What metrics have to reach.
        earlier: Trials of another length; left out where there are goals or bounds, whose scores
            they do not have.

    Raises:
        LuthierError: as from `by_name`.
    """
    strategy = by_name(name)
    strategy = Scalarised(strategy, goals) if goals else strategy
    strategy = Rounds(Bounded(strategy) if bounds else strategy)
    return Following(strategy, earlier) if earlier and not (goals or bounds) else strategy
