"""A sweep of learning rates as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from luthier.core import LearningRates, RateRange, RateRun
from luthier.core.sparkline import sparkline
from luthier.report.text import number


def rates_text(found: LearningRates) -> str:
    """Return what a sweep says, a few lines for each optimizer."""
    return "\n\n".join(_optimizer_text(one, found) for one in found.optimizers)


class RunLines:
    """Tells of trainings as they end: a line each, or one for those of a rate that are quick.

    Args:
        write: Gets each line.
        pause: Seconds of training after which a line is due.
    """

    def __init__(self, write: Callable[[str], object], pause: float = 1.0) -> None:
        self._write, self._pause = write, pause
        self._name, self._runs = "", list[RateRun]()

    def __call__(self, name: str, run: RateRun) -> None:
        """Take a training that has ended."""
        if self._runs and (name, run.rate, run.epochs) != self._about:
            self.close()
        self._name = name
        self._runs.append(run)
        if math.fsum(one.seconds for one in self._runs) >= self._pause:
            self.close()

    def close(self) -> None:
        """Write what is not written yet."""
        if self._runs:
            self._write(runs_line(self._name, self._runs) + "\n")
        self._runs = []

    @property
    def _about(self) -> tuple[str, float, int]:
        return self._name, self._runs[0].rate, self._runs[0].epochs


def runs_line(optimizer: str, runs: Sequence[RateRun]) -> str:
    """Return one line for trainings of one rate and length, with their mean.

    >>> def run(seed, score): return RateRun(0.001, seed, 10, loss=-score, score=score, stable=True)
    >>> runs_line("adamw", [run(0, 0.25)])
    'adamw  rate 0.001     10 epochs  seed 0  0.25'
    >>> runs = [run(seed, seed / 10) for seed in (1, 2, 3)]
    >>> runs_line("adamw", [*runs, RateRun(0.001, 4, 10, cause="nan_loss")])
    'adamw  rate 0.001     10 epochs  seeds 1 to 4  0.2  1 failed: nan_loss'
    """
    done = [run for run in runs if run.score is not None]
    failed = [run for run in runs if run.score is None]
    scores = [run.score for run in runs if run.score is not None]
    said = [number(fmean(scores))] if scores else []
    if failed:
        count = "" if len(runs) == 1 else f"{len(failed)} "
        said.append(f"{count}failed: {failed[0].cause}")
    if not all(run.stable for run in done):
        said.append("unstable")
    first, last = runs[0], runs[-1]
    seeds = f"seed {first.seed}" if len(runs) == 1 else f"seeds {first.seed} to {last.seed}"
    head = f"{optimizer}  rate {first.rate:<8.2g}  {first.epochs:2} epochs  {seeds}"
    return "  ".join([head, *said])


def _optimizer_text(one: RateRange, found: LearningRates) -> str:
    sign = -1.0 if found.direction == "maximize" else 1.0
    edge = "none seen" if one.edge is None else f"from {one.edge:.2g} on"
    if one.suggested is None or one.usable is None or one.loss is None:
        return f"{one.optimizer}: no rate to suggest\n  {one.reason}\n  unstable   {edge}"
    low, high = one.usable
    spread = "" if one.spread is None else f" ± {number(one.spread)} between seeds"
    first = sorted((run for run in one.runs if run.seed == 0), key=lambda run: run.rate)
    curve = sparkline([math.nan if run.score is None else run.score for run in first])
    return "\n".join(
        [
            f"{one.optimizer}: learning_rate {one.suggested:g}",
            f"  usable     {low:.2g} to {high:.2g}",
            f"  unstable   {edge}; twice the suggested rate was tried",
            f"  {found.metric:10} {number(sign * one.loss)}{spread}",
            f"  by rate    {curve} from {first[0].rate:.2g} to {first[-1].rate:.2g}",
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
                "validation_score": run.score,
                "stable": run.stable,
                "below_guessing": run.gain,
                "cause": run.cause,
            }
            for run in one.runs
        ],
    }
