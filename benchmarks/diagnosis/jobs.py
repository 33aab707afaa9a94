"""One training of the corpus: what it is, and how it comes about."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from benchmarks.diagnosis import data, networks
from luthier.core import Build, Curves, Recipe, Run, Task, Trace
from luthier.data import SplitPlan, from_python
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.training.trainer import TrialError

KNOWN = Recipe().to_json()


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        data: Name of the data set.
        family: Which network.
        recipe: How it is trained.
        seed: Initial weights, order and masks.
        spoilt: What was done to the data.
        group: ``reference``, ``again``, a fault's name, or ``advice``.
        strength: How strong the fault is.
        base: Key of the training that the fault was put into, or that was advised.
    """

    data: str
    family: str
    recipe: Recipe
    seed: int
    spoilt: str = ""
    group: str = "reference"
    strength: str = ""
    base: str = ""

    @property
    def key(self) -> str:
        """What names the training, whatever it is for."""
        text = json.dumps([self.data, self.family, self.recipe.identity, self.seed, self.spoilt])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Row:
    """A training that was done.

    Args:
        job: What was trained.
        run: What rules read of it.
        score: The best epoch's, of the metric that decides; None where there is none.
        extra: What published rules ask for beside it.
    """

    job: Job
    run: Run
    score: float | None
    extra: dict[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=4)
def assembly(name: str, family: str, spoilt: str, raw: bool) -> Assembly:
    """Return data and builder, ready to train; `raw` inputs are not scaled."""
    parts = data.parts(name, spoilt)
    kind = "regression" if parts.task == "regression" else "classification"
    build = Build.read(networks.BUILDERS[family], family)
    dataset = from_python((parts.train, parts.val), task=kind)
    recipe = Recipe(network=family, preprocessing="none" if raw else "standard")
    return assemble(build, dataset, recipe=recipe, split=SplitPlan(test=0.0, seed=0))


def trained(job: Job) -> dict[str, Any]:
    """Train, and return all that is kept of it as plain data."""
    parts = assembly(job.data, job.family, job.spoilt, job.recipe.preprocessing == "none")
    arrays = parts.preparation.arrays(job.recipe)
    task, batch = arrays.task, job.recipe.batch_size
    curves, refused = Curves(), ""
    try:
        run = parts.trainer("torch_eager").start(job.recipe, job.seed, job.recipe.epochs)
        while not run.ended:
            run.advance(seconds=60.0)
        curves = run.curves
    except TrialError as error:
        refused = str(error)
    steps = 1 if isinstance(batch, str) else max(len(arrays.train) // batch, 1)
    inputs = arrays.train.inputs[0]
    return {
        "data": job.data,
        "family": job.family,
        "recipe": {k: v for k, v in job.recipe.to_json().items() if v != KNOWN.get(k)},
        "seed": job.seed,
        "spoilt": job.spoilt,
        "group": job.group,
        "strength": job.strength,
        "base": job.base,
        "task": [task.kind, task.metric, task.direction, list(task.input_shape), task.n_outputs],
        "scale": [float(f"{one:.6g}") for one in task.target_scale],
        "steps": steps,
        "rows": len(arrays.train),
        "refused": refused,
        "score": curves.score(task.metric, task.direction),
        "guess": _guess(arrays),
        "inputs": [float(f"{one:.4g}") for one in (inputs.min(), inputs.max(), inputs.mean())],
        "curves": compact(curves),
    }


def _guess(arrays: Any) -> float:
    """Return the score of the best constant prediction, from the training part, on validation."""
    import numpy as np

    train, val = arrays.train.target, arrays.val.target
    if arrays.task.kind == "regression":
        scale = np.asarray(arrays.task.target_scale)
        return float(np.sqrt((((val - train.mean(0)) * scale) ** 2).mean()))
    if arrays.task.metric.startswith("balanced"):  # each class counts alike: so it is guessed
        return float(np.log(arrays.task.n_outputs if arrays.task.n_outputs > 1 else 2))
    shares = np.bincount(train, minlength=arrays.task.n_outputs) / len(train)
    return float(-np.log(np.maximum(shares[val], 1e-3)).mean())


def compact(curves: Curves) -> dict[str, Any]:
    """Return curves as columns, five digits a loss and three a signal."""
    columns: dict[str, Any] = {}
    for name in ("train_loss", "train_loss_eval", "penalty", "val_loss", "learning_rate"):
        series = getattr(curves, name)
        if any(series):
            columns[name] = [_digits(one, 5) for one in series]
    columns["metrics"] = {k: [_digits(v, 5) for v in s] for k, s in curves.metrics.items()}
    columns["signals"] = {k: [_digits(v, 3) for v in s] for k, s in curves.signals.items()}
    return columns


def _digits(value: float, count: int) -> float:
    return float(f"{value:.{count}g}")


def read(row: dict[str, Any]) -> Row:
    """Return a training from what `trained` returned."""
    kind, metric, direction, shape, outputs = row["task"]
    scale = tuple(row["scale"])
    task = Task(
        kind,
        metric,
        direction,
        tuple(shape),
        outputs,
        target_mean=tuple(0.0 for _ in scale),
        target_scale=scale,
    )
    columns: dict[str, Any] = dict(row["curves"])
    groups: dict[str, Any] = {
        name: {k: tuple(v) for k, v in columns.pop(name).items()} for name in ("metrics", "signals")
    }
    curves = Curves(**({k: tuple(v) for k, v in columns.items()} | groups))
    recipe = Recipe.from_json({**KNOWN, **row["recipe"]})
    job = Job(
        **{k: row[k] for k in ("data", "family", "seed", "spoilt", "group", "strength", "base")},
        recipe=recipe,
    )
    facts = {"keeps_best": True, "steps_per_epoch": row["steps"]}
    extra = {name: row[name] for name in ("guess", "inputs", "rows", "refused")}
    return Row(job, Run(curves, recipe, task, Trace(facts=facts)), row["score"], extra)
