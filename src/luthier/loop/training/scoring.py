"""Opening the test part: once, after the search, for winner and baseline together."""

from __future__ import annotations

import hashlib

import numpy as np

from luthier.catalog import metrics
from luthier.core import Arrays, Build, Framework, Part, State, Task, Trial


def test_scores(
    framework: Framework, build: Build, trial: Trial, state: State, arrays: Arrays
) -> dict[str, float]:
    """Return all metrics of a trial's best weights on the test part; empty where there is none."""
    if arrays.test is None or not len(arrays.test):
        return {}
    model = framework.restore(build, trial.recipe, arrays.task, state)
    return part_scores(arrays, framework.outputs(model, arrays.test, arrays.task), arrays.test)


def part_scores(arrays: Arrays, outputs: np.ndarray, part: Part) -> dict[str, float]:
    """Return all metrics of a network's outputs, in the target's own units."""
    task = arrays.task
    outputs, target = in_units(task, outputs, part.target)
    return {
        name: float(metrics.by_name(name).compute(outputs, target, part.weight))
        for name in task.metrics
    }


def in_units(task: Task, outputs: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return outputs and targets of a regression in the target's own units; others as they are."""
    if task.kind != "regression":
        return outputs, target
    scale, mean = np.asarray(task.target_scale), np.asarray(task.target_mean)
    return outputs * scale + mean, target * scale + mean


def test_hash(fingerprint: str, arrays: Arrays) -> str:
    """Return what names a test part in the ledger: the data and the rows, however prepared."""
    rows = b"" if arrays.test is None else np.ascontiguousarray(arrays.test.rows).tobytes()
    return hashlib.sha256(fingerprint.encode() + rows).hexdigest()[:16]
