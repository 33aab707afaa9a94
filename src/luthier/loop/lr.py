"""The learning rate first: whole short trainings at many rates, by the engines that train."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.catalog import losses, metrics, optimizers
from luthier.catalog.ops_numpy import numpy_ops
from luthier.core import (
    IGNORED,
    Arrays,
    Curves,
    LearningRates,
    LuthierError,
    RateRange,
    RateRun,
    Recipe,
    Stop,
    nothing,
)
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.training.trainer import Trainer, TrialError
from luthier.loop.working.interrupt import interruptible
from luthier.search.rates import Sweep, verdict


def lr(
    build: str | Callable[..., Any] | None,
    data: Any,
    *,
    optimizer: str | Sequence[str] | None = None,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    seeds: int | None = None,
    seed: int = 0,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    engine: str = "auto",
    notify: Callable[[str, RateRun], None] = nothing,
) -> LearningRates:
    """Find a learning rate: the usable range, the edge of stability, and a rate with head-room.

    Rates over the optimizer's whole range are trained for a quarter of the recipe's length, each
    with its own schedule to the end; those about the best at full length, the more often the closer
    they are; and twice the suggested rate, which has to be stable. That takes from 16 full
    trainings, where they are slow, to 110, where all are done in half a minute: between seeds the
    best rates differ by little. Where nothing learns, none is suggested, and the reason given.

    Args:
        build: A family, ``FILE.py:function``, or a function that returns a network.
        data: As for `luthier.tune`.
        optimizer: Name or names; by default the recipe's.
        recipe: What else is trained; the keys it leaves out take a sound default.
        seeds: Of each rate about the best; the best four have twice, the best two four times as
            many. By default 1 to 8, as half a minute allows; the same number gives the same rate.
        seed: Decides the split and the first trainings.
        target: As for `luthier.tune`, and so are all that follow.
        task: What kind.
        metric: Decides which rate is best.
        sample_weight: Weight of each row.
        group: Column whose equal values stay in one split.
        time: Column to split by in time.
        engine: What trains.
        notify: Called with the optimizer's name and each training that has ended.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.
    """
    if seeds is not None and seeds < 1:
        raise LuthierError(
            f"`seeds >= 1` must hold, but got {seeds}. Use seeds=2, or leave it out: then as many "
            "are taken as half a minute allows."
        )
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
    names = [optimizer] if isinstance(optimizer, str) else list(optimizer or ())
    kinds = [optimizers.by_name(name) for name in names or [parts.recipe.optimizer]]
    trainer, found = parts.trainer(engine), []
    with interruptible() as stop:
        for kind in kinds:
            usual = {} if kind.name == parts.recipe.optimizer else kind.usual
            base = parts.recipe.replace({**usual, "optimizer": kind.name})
            found.append(swept(base, parts, trainer, seeds, seed, stop, notify))
    goal = parts.arrays.task
    return LearningRates(goal.metric, goal.direction, parts.recipe.epochs, tuple(found))


def swept(
    base: Recipe,
    parts: Assembly,
    trainer: Trainer,
    seeds: int | None,
    seed: int,
    stop: Stop,
    notify: Callable[[str, RateRun], None],
    name: str = "",
) -> RateRange:
    """Sweep the rates of a recipe, to the end or until someone asks to stop; say what was found.

    Args:
        base: What is trained but for the rate.
        parts: Builder, data and framework.
        trainer: Trains.
        seeds: Of each rate about the best; None: as many as half a minute allows.
        seed: Of the first trainings.
        stop: Someone's wish to end.
        notify: Called with a name and each training that has ended.
        name: By default the optimizer's.
    """
    rates = optimizers.by_name(base.optimizer).learning_rates
    sweep = Sweep(rates, base.epochs, luck(parts.arrays, base), seeds)
    runs: list[RateRun] = []
    while not stop.asked and (asked := sweep.wanted(runs)):
        for one in asked:
            if stop.asked:
                break
            runs.append(_run(one, base, parts, trainer, seed))
            notify(name or base.optimizer, runs[-1])
    if stop.asked:
        return RateRange(base.optimizer, reason="stopped before it was done", runs=tuple(runs))
    return verdict(runs, base.optimizer, enough=sweep.enough)


def _run(asked: RateRun, base: Recipe, parts: Assembly, trainer: Trainer, seed: int) -> RateRun:
    """Train one rate; what it raises is its cause."""
    recipe = base.replace({"learning_rate": asked.rate, "epochs": asked.epochs})
    try:
        run = trainer.start(recipe, seed + asked.seed, asked.epochs)
        while not run.ended:
            run.advance(seconds=1.0)
        outcome, cause = run.outcome()
    except TrialError as error:
        return replace(asked, cause=str(error))
    if outcome == "failed":
        return replace(asked, cause=cause)
    return _scored(asked, run.curves, parts.arrays, recipe)


def _scored(asked: RateRun, curves: Curves, arrays: Arrays, recipe: Recipe) -> RateRun:
    task = arrays.task
    score = curves.score(task.metric, task.direction)
    val = [loss for loss in curves.val_loss if math.isfinite(loss)]
    guess = guessing(arrays, recipe)
    if score is None or not val:
        return replace(asked, cause="no epoch has a score")
    last = curves.train_loss_eval[-1] if curves.train_loss_eval else curves.train_loss[-1]
    ceiling = curves.train_loss[0] if guess is None else 1.2 * guess
    return replace(
        asked,
        loss=score if task.direction == "minimize" else -score,
        stable=math.isfinite(last) and last <= max(ceiling, 1e-6),
        seconds=math.fsum(curves.seconds),
        gain=None if guess is None else guess - min(val),
        score=score,
    )


def guessing(arrays: Arrays, recipe: Recipe) -> float | None:
    """Return the validation loss of outputs that are the same for every row.

    For classes the shares of the training rows, for numbers their mean; None for a loss that has
    no such constant, or for outputs of another shape.
    """
    task, train, val = arrays.task, arrays.train, arrays.val
    name = recipe.loss or losses.default(task.kind, task.n_outputs)
    if task.kind == "classification":
        if name != "cross_entropy":
            return None
        known = train.target[train.target != IGNORED]
        shares = np.bincount(known, minlength=task.n_outputs) / len(known)
        outputs = np.log(np.maximum(shares, 1e-12))
        if task.positions:
            every = np.tile(outputs, (val.target.size, 1))
            return metrics.by_name("log_loss").compute(every, val.target, val.weight)
        targets = np.eye(task.n_outputs)[val.target]
    else:
        outputs, targets = train.target.mean(axis=0), val.target.astype(float)
    constant = np.broadcast_to(outputs, targets.shape).astype(float)
    each = np.asarray(losses.by_name(name).per_example(numpy_ops, constant, targets))
    return float(np.average(each, weights=val.weight))


def luck(arrays: Arrays, recipe: Recipe) -> float:
    """Return the gain over guessing that a step in a random direction can have by luck.

    Along any direction the mean loss of n rows first falls by ``z**2 / 2n`` times the variance of
    one row's score (second-order Taylor); z is 4 here, as many directions are tried. For a
    cross-entropy the variance is about 1, for a squared error four times the squared error.
    """
    guess = guessing(arrays, recipe)
    if guess is None:
        return 0.0
    scale = 1.0 if arrays.task.kind == "classification" else 2.0 * guess
    return 8.0 * scale / max(len(arrays.val), 1)
