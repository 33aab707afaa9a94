"""The batch size: for speed, within what leaves enough updates, and with the rate tuned anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.core import BatchSize, BatchSizes, LuthierError, RateRun, Recipe, nothing
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.lr import swept
from luthier.loop.training.measure import epoch_seconds
from luthier.loop.training.trainer import Trainer
from luthier.loop.working.interrupt import interruptible

SMALLEST = 8
GAIN = 1.7  # times the rows a second that a doubling has to bring
UPDATES, ALL_UPDATES = 20, 1000  # of an epoch, and of a training


def batch(
    build: str | Callable[..., Any] | None,
    data: Any,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    scores: bool = True,
    seeds: int = 1,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    engine: str = "auto",
    notify: Callable[[str, RateRun], None] = nothing,
) -> BatchSizes:
    """Choose the batch size for speed: it is doubled while the rows a second rise with it.

    Larger batches do not train better or worse where all else is tuned for them (Shallue et al.
    2019, "Measuring the effects of data parallelism"), but a changed size makes rate, momentum and
    regularisers stale. So the score of each size is shown with its rate tuned anew, and the search
    never varies the size. What it returns has a `recipe` with the chosen size and its rate, and
    ``luthier.tune(build, data, recipe=found.recipe, space="nuisance")`` tunes all that is stale.

    Args:
        build: A family, ``FILE.py:function``, or a function that returns a network.
        data: As for `luthier.tune`.
        recipe: What else is trained; the keys it leaves out take a sound default.
        scores: Whether to train: for the chosen size, the next ones, and the recipe's own.
        seeds: As for `luthier.lr`: with 1 each of those sizes takes about 16 trainings.
        seed: Decides the split and the first trainings.
        target: As for `luthier.tune`, and so are all that follow.
        task: What kind.
        metric: Decides how good a score is.
        sample_weight: Weight of each row.
        group: Column whose equal values stay in one split.
        time: Column to split by in time.
        engine: What trains.
        notify: Called with the size and each training that has ended.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.
    """
    parts = assemble(
        build,
        data,
        recipe=recipe,
        target=target,
        task=task,
        metric=metric,
        sample_weight=sample_weight,
        group=group,
        time=time,
        seed=seed,
    )
    trainer, rows = parts.trainer(engine), len(parts.arrays.train)
    if rows < 2 * SMALLEST:
        raise LuthierError(
            f"{rows} training rows are too few to choose a batch size from. "
            "Train with all of them: batch_size: full"
        )
    sizes: list[BatchSize] = []
    size = SMALLEST
    while size <= rows // 2:
        sizes.append(_measured(parts, trainer, size, seed))
        if len(sizes) > 2 and not sizes[-1].allowed and not sizes[-2].allowed:
            break
        size *= 2
    chosen, reason = choose(sizes)
    if scores:
        own = parts.recipe.batch_size
        wanted = {chosen // 2, chosen, chosen * 2, own}
        sizes = _scored(sizes, wanted, parts, trainer, seeds, seed, notify)
    goal = parts.arrays.task
    settings: dict[str, Any] = {"batch_size": chosen}
    rate = next(one.learning_rate for one in sizes if one.size == chosen)
    if rate is not None:
        settings["learning_rate"] = rate
    after = parts.recipe.replace(settings)
    return BatchSizes(goal.metric, goal.direction, chosen, reason, tuple(sizes), after)


def choose(sizes: Sequence[BatchSize], *, gain: float = GAIN) -> tuple[int, str]:
    """Return the size to train with, and why no larger one.

    Args:
        sizes: Each twice the one before.
        gain: Times the rows a second that a doubling has to bring: with 2 it would cost nothing,
            and 1.7 is the Deep Learning Tuning Playbook's idea of nearly that.

    >>> choose([BatchSize(8, 90, 1000, 8000), BatchSize(16, 45, 990, 15840, allowed=False)])
    (8, 'a batch of 16 leaves fewer than 20 updates an epoch, or 1000 in all')
    """
    now = sizes[0]
    for after in sizes[1:]:
        if not after.allowed:
            return now.size, (
                f"a batch of {after.size} leaves fewer than {UPDATES} updates an epoch, or "
                f"{ALL_UPDATES} in all"
            )
        if after.rows < gain * now.rows:
            times = after.rows / now.rows
            return (
                now.size,
                f"a batch of {after.size} trains {times:.2f} times as many rows a second",
            )
        now = after
    return now.size, "a larger batch would be more than half of the rows"


def _measured(parts: Assembly, trainer: Trainer, size: int, seed: int) -> BatchSize:
    recipe = parts.recipe.replace({"batch_size": size})
    arrays = parts.preparation.arrays(recipe)
    captured = parts.framework.capture(parts.build, recipe, arrays, seed)
    name = trainer.choice.name(captured, arrays, recipe, seed, epochs=recipe.epochs)
    seconds = epoch_seconds(trainer.choice.engine(name), captured, arrays, recipe, seed)
    updates = recipe.updates(len(arrays.train))
    enough = updates >= UPDATES and updates * recipe.epochs >= ALL_UPDATES
    return BatchSize(size, updates, updates / seconds, updates * size / seconds, enough)


def _scored(
    sizes: Sequence[BatchSize],
    wanted: set[Any],
    parts: Assembly,
    trainer: Trainer,
    seeds: int,
    seed: int,
    notify: Callable[[str, RateRun], None],
) -> list[BatchSize]:
    """Return the sizes, some of them with their best rate and what it comes to."""
    found = []
    with interruptible() as stop:
        for one in sizes:
            if one.size not in wanted or stop.asked:
                found.append(one)
                continue
            base = parts.recipe.replace({"batch_size": one.size})
            rates = swept(base, parts, trainer, seeds, seed, stop, notify, f"batch {one.size}")
            found.append(
                replace(one, learning_rate=rates.suggested, loss=rates.loss, spread=rates.spread)
            )
    return found
