"""Optuna on the tables: its trials are pruned for good, since it cannot resume them."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna

from benchmarks.search.tables import Session, Training

WORST = 1e6  # what a diverged trial is told as: Optuna takes no NaN
Live = tuple[optuna.Trial, Training]


def _sampler(name: str, seed: int, batch: int) -> optuna.samplers.BaseSampler:
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=batch > 1)


def _pruner(name: str, full: int) -> optuna.pruners.BasePruner:
    first = max(1, full // 16)  # luthier's first rung
    match name:
        case "sha":
            return optuna.pruners.SuccessiveHalvingPruner(min_resource=first, reduction_factor=3)
        case "hb":
            return optuna.pruners.HyperbandPruner(
                min_resource=first, max_resource=full, reduction_factor=3
            )
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=first + 1)
    return optuna.pruners.NopPruner()


def run(session: Session, method: str, seed: int) -> None:
    """Spend a session's budget.

    Args:
        session: On a table.
        method: ``tpe``, ``tpe+sha``, ``tpe+hb``, ``tpe+median``, ``gp``, ``gp+sha``; with ``@16``,
            sixteen trials train side by side, as in a batch.
        seed: The sampler's.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name, _, batch = method.partition("@")
    sampler, _, pruner = name.partition("+")
    together = int(batch or 1)
    study = optuna.create_study(
        sampler=_sampler(sampler, seed, together), pruner=_pruner(pruner, session.table.epochs)
    )
    live: list[Live] = []
    while not session.over:
        while len(live) < together:
            live.append(_started(study, session))
        live = [one for one in live if _goes_on(study, one, session, bool(pruner))]


def _started(study: optuna.Study, session: Session) -> Live:
    trial = study.ask()
    point = [trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(session.table.dimensions)]
    return trial, session.start(point)


def _goes_on(study: optuna.Study, one: Live, session: Session, prunes: bool) -> bool:
    """Train one epoch of a trial; tell whether it goes on."""
    trial, training = one
    if session.over:
        return True
    training.advance(training.epochs + 1)
    trial.report(_told(training.values[-1]), training.epochs)
    if training.diverged:
        study.tell(trial, WORST)
    elif training.epochs >= session.table.epochs:
        study.tell(trial, _told(np.nanmin(training.values)))
    elif prunes and trial.should_prune():
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    else:
        return True
    return False


def _told(value: Any) -> float:
    return float(value) if np.isfinite(value) and value < WORST else WORST
