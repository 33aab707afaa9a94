"""luthier's strategies on the tables, through the protocol that a study uses."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from benchmarks.search.tables import Session, Training
from luthier.core import (
    Categorical,
    Curves,
    Domain,
    Float,
    History,
    Recipe,
    Space,
    Step,
    Strategy,
    Trial,
)


def space_of(session: Session, prior: str = "") -> Space:
    """Return a space with one range for each coordinate of a table.

    Args:
        session: On the table.
        prior: What the user thinks: nothing, and starts in the middle; or that the best lies within
            0.15 of a configuration, and starts there: ``good`` for one that ends better than nine
            in ten, ``bad`` for one that ends worse than nine in ten.
    """
    table = session.table
    names = [f"model.x{i}" for i in range(table.dimensions)]
    point, ranges = [0.5] * table.dimensions, [Float(0.0, 1.0)] * table.dimensions
    if prior:
        share = {"good": 0.1, "bad": 0.9}[prior]
        order = np.argsort(np.where(np.isnan(table.curves[:, -1]), np.inf, table.curves[:, -1]))
        point = table.points[order[int(share * len(order))]].tolist()
        likely = [(max(0.0, x - 0.15), min(1.0, x + 0.15)) for x in point]
        ranges = [Float(0.0, 1.0, likely=pair) for pair in likely]
    domains: dict[str, Domain] = dict(zip(names, ranges, strict=True))
    if table.choices:
        domains[names[0]] = Categorical(*range(table.choices))
    space = Space(domains, Recipe(epochs=table.epochs))
    return replace(space, baseline=space.decode(point))


def run(
    session: Session, strategy: Strategy, seed: int, *, told: bool = True, prior: str = ""
) -> tuple[float, int]:
    """Spend a session's budget; return the processor's seconds for decisions, and their steps.

    Args:
        session: On a table.
        strategy: What decides.
        seed: The study's.
        told: Whether trials show the table's configuration, or the point that was asked for.
        prior: As in `space_of`.
    """
    space, trainings = space_of(session, prior), list[Training]()
    history, took, taken = History(metric="val_error", seed=seed), 0.0, 0
    for decision in range(10**6):
        left = session.budget - session.spent
        history = replace(history, decisions=decision, epochs_left=float(left))
        rng = np.random.default_rng([seed, decision])
        began = time.process_time()
        steps = strategy(space, history, rng)
        took, taken = took + time.process_time() - began, taken + len(steps)
        trials = list(history.trials)
        for step in steps:
            _take(step, session, space, trials, trainings, told)
        history = replace(history, trials=tuple(trials))
        if session.over or not steps:
            break
    return took, taken


def _take(
    step: Step,
    session: Session,
    space: Space,
    trials: list[Trial],
    trainings: list[Training],
    told: bool,
) -> None:
    if session.over:
        return
    if step.trial is None:
        recipe = step.recipe or space.baseline
        trainings.append(session.start(space.encode(recipe)))
        shown = space.decode(trainings[-1].point.tolist()) if told else recipe
        trials.append(Trial(len(trials), shown, step.seed))
    number = len(trials) - 1 if step.trial is None else step.trial
    training = trainings[number]
    training.advance(step.until)
    done = training.epochs >= session.table.epochs
    state = "failed" if training.diverged else "finished" if done else "paused"
    curves = Curves(metrics={"val_error": training.values})
    trials[number] = replace(trials[number], state=state, curves=curves)
