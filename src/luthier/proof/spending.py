"""What each look at the results may spend of the chance to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import e, log

STAGES = (3, 5, 10)  # seeds: 3 tell their own noise well, 10 halve what 3 leave
FEWEST = 2  # seeds of a first look where the budget does not pay for three


def spending(stages: Sequence[int] = STAGES, *, alpha: float = 0.05) -> tuple[float, ...]:
    """Return the level of each planned look, so that all of them together keep to `alpha`.

    Lan and DeMets' (1983) function of Pocock's kind, alpha · ln(1 + (e - 1) t), where t is the
    share of the seeds. Each look has what is newly spent to itself: the sum of the levels is
    alpha, which holds whatever the looks have to do with each other (they share their test
    rows, so that the joint distribution of the usual tables would be wrong).

    A single look at two seeds has half of alpha: where training is noisy and one recipe noisier
    than the other, a test of two seeds is wrong almost twice as often as it says.

    >>> [round(level, 4) for level in spending()]
    [0.0208, 0.0102, 0.019]
    >>> spending((3,)), spending((2,))
    ((0.05,), (0.025,))
    """
    if tuple(stages) == (FEWEST,):
        return (alpha / 2,)
    spent = [alpha * log(1 + (e - 1) * count / stages[-1]) for count in stages]
    return tuple(now - before for before, now in zip([0.0, *spent], spent, strict=False))
