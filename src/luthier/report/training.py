"""One training as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from luthier.core import Diagnosis, Trial
from luthier.core.sparkline import sparkline
from luthier.report.text import metrics_text, number, seconds


def training_text(trial: Trial, goal: tuple[str, str], reported: Mapping[str, float]) -> str:
    """Return how a training went, in a few lines.

    Args:
        trial: What was trained.
        goal: Name and direction of the metric that decides.
        reported: Scores of an earlier run that this one should repeat.
    """
    curves = trial.curves
    if trial.state == "failed":
        return f"failed after {len(curves)} epochs: {trial.cause}"
    best = curves.best_epoch(*goal)
    found = {} if best is None else curves.epoch(best - 1)["metrics"]
    last = curves.epoch(len(curves) - 1)
    lines = [
        f"validation  {metrics_text(found)}   at epoch {best} of {len(curves)}",
        f"val_loss    {sparkline(curves.val_loss)} {number(last['val_loss'])} at the end",
        f"train_loss  {sparkline(curves.train_loss_eval)} {number(last['train_loss_eval'])}",
        f"time        {seconds(sum(curves.seconds))}, {trial.engine}, seed {trial.seed}",
    ]
    if reported:
        same = found == dict(reported)
        verdict = "the same, bit for bit" if same else f"reported: {metrics_text(reported)}"
        lines.append(f"reported    {verdict}")
    return "\n".join(lines)


def training_json(
    trial: Trial,
    goal: tuple[str, str],
    reported: Mapping[str, float],
    diagnosis: Diagnosis | None = None,
) -> dict[str, Any]:
    """Return a training as plain data: what ``luthier train --json`` prints."""
    curves = trial.curves
    best = curves.best_epoch(*goal)
    rows = [_finite(curves.epoch(index)) for index in range(len(curves))]
    return {
        "state": trial.state,
        "cause": trial.cause,
        "recipe": trial.recipe.to_json(),
        "seed": trial.seed,
        "engine": trial.engine,
        "metric": goal[0],
        "validation_score": curves.score(*goal),
        "validation": None if best is None else rows[best - 1]["metrics"],
        "reported": dict(reported) or None,
        "epoch": best,
        "epochs": len(curves),
        "curves": rows,
        "findings": [] if diagnosis is None else diagnosis.to_json()["findings"],
    }


def _finite(value: Any) -> Any:
    """Replace what JSON cannot hold by null."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return value if not isinstance(value, float) or math.isfinite(value) else None
