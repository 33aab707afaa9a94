"""One schedule held in the first round of a search, others tried last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.core import Categorical, Domain, History, Space, Step, Strategy
from luthier.search.rounds import Rounds


def held(strategy: Strategy, first: int, last: Sequence[int]) -> Strategy:
    """Return a strategy whose first choice of a table's schedule is held, with others for last.

    Args:
        strategy: Decides on the rest.
        first: The schedule that is held.
        last: Those that its best recipe is trained with in the end; without any it stays at that.
    """

    def decide(space: Space, history: History, rng: np.random.Generator) -> Sequence[Step]:
        name, *others = space.parameters
        ranges: dict[str, Domain] = {other: space.parameters[other] for other in others}
        if last:
            ranges = {name: Categorical(first, *last, last=True), **ranges}
        baseline = space.baseline.replace({name: first})
        return Rounds(strategy)(Space(ranges, baseline), history, rng)

    return decide
