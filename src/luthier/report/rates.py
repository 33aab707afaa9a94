"""A sweep of learning rates as text and as JSON."""

from __future__ import annotations

import math
from typing import Any

from luthier.core import LearningRates, RateRange, RateRun
from luthier.core.sparkline import sparkline
from luthier.report.text import number


def rates_text(found: LearningRates) -> str:
    """Return what a sweep says, a few lines for each optimizer."""
    return "\n\n".join(_optimizer_text(one, found) for one in found.optimizers)


def run_line(optimizer: str, run: RateRun, direction: str = "minimize") -> str:
    """Return one line for a training that has ended.

    >>> run_line("adamw", RateRun(0.001, 0, 10, loss=0.25, stable=True))
    'adamw  rate 0.001     10 epochs  seed 0  0.25'
    """
    sign = -1.0 if direction == "maximize" else 1.0
    said = number(sign * run.loss) if run.loss < math.inf else f"failed: {run.cause}"
    unstable = "" if run.stable or run.loss == math.inf else "  unstable"
    head = f"{optimizer}  rate {run.rate:<8.2g}  {run.epochs:2} epochs  seed {run.seed}"
    return f"{head}  {said}{unstable}"


def _optimizer_text(one: RateRange, found: LearningRates) -> str:
    sign = -1.0 if found.direction == "maximize" else 1.0
    edge = "none seen" if one.edge is None else f"from {one.edge:.2g} on"
    if one.suggested is None or one.usable is None or one.loss is None:
        return f"{one.optimizer}: no rate to suggest\n  {one.reason}\n  unstable   {edge}"
    low, high = one.usable
    spread = "" if one.spread is None else f" ± {number(one.spread)} between seeds"
    first = sorted((run for run in one.runs if run.seed == 0), key=lambda run: run.rate)
    curve = sparkline([run.loss if run.loss < math.inf else math.nan for run in first])
    return "\n".join(
        [
            f"{one.optimizer}: learning_rate {one.suggested:g}",
            f"  usable     {low:.2g} to {high:.2g}",
            f"  unstable   {edge}; twice the suggested rate was tried",
            f"  {found.metric:10} {number(sign * one.loss)}{spread}",
            f"  loss       {curve} from {first[0].rate:.2g} to {first[-1].rate:.2g}",
            f"  cost       {len(one.runs)} trainings, {one.epochs} epochs",
        ]
    )


def rates_json(found: LearningRates) -> dict[str, Any]:
    """Return a sweep as plain data: what ``luthier lr --json`` prints."""
    sign = -1.0 if found.direction == "maximize" else 1.0
    return {
        "metric": found.metric,
        "direction": found.direction,
        "epochs": found.epochs,
        "suggested": found.suggested,
        "optimizers": [_optimizer_json(one, sign) for one in found.optimizers],
    }


def _optimizer_json(one: RateRange, sign: float) -> dict[str, Any]:
    return {
        "optimizer": one.optimizer,
        "suggested": one.suggested,
        "usable": None if one.usable is None else list(one.usable),
        "unstable_from": one.edge,
        "validation_score": None if one.loss is None else sign * one.loss,
        "between_seeds": one.spread,
        "reason": one.reason or None,
        "epochs_spent": one.epochs,
        "trainings": [
            {
                "learning_rate": run.rate,
                "seed": run.seed,
                "epochs": run.epochs,
                "validation_score": sign * run.loss if run.loss < math.inf else None,
                "stable": run.stable,
                "below_guessing": run.gain,
                "cause": run.cause,
            }
            for run in one.runs
        ],
    }
