"""Real trainings, recorded by runs/record.py, as what rules read."""

import gzip
import json
from pathlib import Path

import pytest

from luthier.core import Curves, Recipe, Run, Task, Trace

RUNS = Path(__file__).parent / "runs"


def read(kind: str) -> dict[str, Run]:
    rows = json.loads(gzip.decompress((RUNS / f"{kind}.json.gz").read_bytes()))
    runs = {}
    for row in rows:
        goal, metric, direction, shape, outputs = row["task"]
        scale = (1.0,) if goal == "regression" else ()
        task = Task(
            goal,
            metric,
            direction,
            tuple(shape),
            outputs,
            target_mean=scale,
            target_scale=scale,
            shown=tuple(row["shown"]),
        )
        facts = {"keeps_best": True, "steps_per_epoch": row["steps_per_epoch"]}
        recipe = Recipe.from_json(row["recipe"])
        runs[row["name"]] = Run(Curves.from_epochs(row["epochs"]), recipe, task, Trace(facts=facts))
    return runs


def read_watched(kind: str) -> dict[str, Run]:
    rows = json.loads(gzip.decompress((RUNS / "watched.json.gz").read_bytes()))
    runs = {}
    for row in rows:
        if row["kind"] != kind:
            continue
        seen = row["trace"]
        series = {name: tuple(values) for name, values in seen["series"].items()}
        facts = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in seen["facts"].items()
        }
        trace = Trace(tuple(seen["steps"]), series, seen["counts"], facts)
        recipe = None if row["recipe"] is None else Recipe.from_json(row["recipe"])
        runs[row["name"]] = Run(Curves.from_epochs(row["epochs"]), recipe, trace=trace)
    return runs


@pytest.fixture(scope="session")
def healthy_runs() -> list[Run]:
    return [*read("healthy").values(), *read_watched("healthy").values()]


@pytest.fixture(scope="session")
def faulty_runs() -> dict[str, Run]:
    """By the fault that was put in."""
    return {**read("faulty"), **read_watched("faulty")}
