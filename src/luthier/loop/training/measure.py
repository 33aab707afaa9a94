"""What an epoch costs on an engine, found out in a fraction of a second."""

from __future__ import annotations

from collections.abc import Callable

from luthier.core import Arrays, Captured, Engine, Recipe

ENOUGH = 16  # steps: their mean is within a few per cent of an epoch's
ROUGHLY = 4  # steps: within a fifth of it


def epoch_seconds(
    engine: Engine,
    captured: Captured,
    arrays: Arrays,
    recipe: Recipe,
    seed: int,
    *,
    limit: float = 0.2,
    enough: int = ENOUGH,
) -> float:
    """Return about how long an epoch takes, from a few steps that nobody keeps.

    It is the time that the engine itself computes: others on the machine would make the one look
    slow that happened to run beside them.

    Args:
        engine: What would train.
        captured: The network.
        arrays: The data.
        recipe: How it would be trained.
        seed: Decides batches and masks.
        limit: Seconds of steps that are enough to tell; a single step may take longer.
        enough: Steps that are.
    """
    engine.open(captured, arrays)
    engine.put(0, recipe, seed, captured.initial)
    engine.rehearse(0, 1)  # the first time compiles, and gets memory
    steps = max(1, len(arrays.train) // captured.signature.batch_size)
    most = min(steps, enough)
    aside = _taken(lambda: engine.rehearse(0, 0), engine.clock)
    count, taken = 1, 0.0
    while True:
        taken = _taken(lambda n=count: engine.rehearse(0, n), engine.clock)  # type: ignore[misc]
        if count >= most or taken >= limit:
            break
        count = min(most, 4 * count)
    a_step = max(taken - aside, 0.0) / count
    return aside + steps * a_step


def _taken(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return what a call takes, the faster of two."""
    times = []
    for _ in range(2):
        start = clock()
        call()
        times.append(clock() - start)
    return min(times)
