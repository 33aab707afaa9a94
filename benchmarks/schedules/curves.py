"""Trains a table of curves whose first coordinate is the schedule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from benchmarks.search.tables import Table
from luthier.core import Categorical, Domain, Float, Space
from luthier.loop.assembly import assemble
from luthier.loop.training.trainer import TrialError

SCHEDULES = ("cosine", "linear", "one_cycle", "constant")
EPOCHS = 48
EACH = 128  # recipes of each schedule, the same ones for all
SEEDS = 3  # of each: searches see the first, and are judged by the mean of all
SPACE: dict[str, Domain] = {
    "schedule": Categorical(*SCHEDULES),
    "learning_rate": Float(1e-4, 3e-2, log=True),
    "weight_decay": Float(1e-3, 1.0, log=True),
    "dropout": Float(0.0, 0.5),
}


def table(data: str, file: Path, *, engine: str = "native") -> Table:
    """Return the table of a data set; it is trained where its file is missing.

    What a search sees is one seed, and what it is judged by is the mean of three, so that a recipe
    that was lucky once is not the best there is. Every schedule has the same rates, decays and
    dropouts, so that what differs is the schedule.

    Args:
        data: Name or path.
        file: Of the table.
        engine: What trains.
    """
    if not file.exists():
        rest = qmc.Sobol(len(SPACE) - 1, seed=0).random(EACH)
        kinds = (np.arange(len(SCHEDULES)) + 0.5) / len(SCHEDULES)
        points = np.array([[kind, *point] for kind in kinds for point in rest])
        curves = np.stack([_trained(data, points, engine, seed) for seed in range(SEEDS)])
        np.savez_compressed(file, points=points, curves=curves)
    with np.load(file) as stored:
        curves = stored["curves"]
        return Table(
            data, stored["points"], curves.mean(0), choices=len(SCHEDULES), observed=curves[0]
        )


def _trained(data: str, points: np.ndarray, engine: str, seed: int) -> np.ndarray:
    parts = assemble("mlp", data, recipe={"epochs": EPOCHS, "warmup": 0.05})
    trainer, task = parts.trainer(engine), parts.arrays.task
    space = Space(SPACE, parts.recipe)
    curves = np.full((len(points), EPOCHS), np.nan)
    for row, point in enumerate(points):
        recipe = replace(space.decode(point.tolist()), epochs=EPOCHS)
        try:
            run = trainer.start(recipe, seed, EPOCHS)
            while not run.ended:
                run.advance(seconds=1.0)
        except TrialError:
            continue
        values = run.curves.metrics[task.metric]
        curves[row, : len(values)] = (
            values if task.direction == "minimize" else [-v for v in values]
        )
    return curves
