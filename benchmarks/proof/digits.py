"""Digits: what luthier hands over, against its default recipe and against random search.

Each split is luthier's own (60 % training, 20 % validation, 20 % test, stratified) with the seed
named. All three get the same rows and are judged once on the same test rows.

- luthier: `luthier.tune` with 600 epochs, confirmation included.
- random search: a dozen recipes drawn from the very space that luthier searches, each trained to
  its end of 50 epochs; the best on validation rows. 600 epochs, none of them for confirming.
- the default: the recipe that luthier starts from, at its usual 60 epochs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

import luthier
from benchmarks.proof.pairs import paired
from luthier.catalog.spaces import default_space
from luthier.core import Space
from luthier.data import SplitPlan
from luthier.loop.assembly import assemble
from luthier.loop.budget import Budget
from luthier.loop.scoring import test_scores
from luthier.loop.train import Training, train_assembled

EPOCHS, ENGINE, DATA = 600, "torch_eager", "digits"
SPLITS = range(10)


def run(splits: Iterable[int] = SPLITS) -> Iterator[str]:
    """Yield a line a split, then the paired differences."""
    scores: dict[str, list[dict[str, float]]] = {"luthier": [], "default": [], "random": []}
    for split in splits:
        verdict, scores_now = one(split)
        for name, found in scores_now.items():
            scores[name].append(found)
        shown = "  ".join(
            f"{name} {found['log_loss']:.4f} ({found['accuracy']:.3f})"
            for name, found in scores_now.items()
        )
        yield f"split {split}: {shown}  verdict {verdict}"
    for name, found in scores.items():
        for metric in ("log_loss", "accuracy"):
            values = [one[metric] for one in found]
            yield f"{name:8} {metric:9} mean {np.mean(values):.4f}"
    for name in ("default", "random"):
        gains = [
            other["log_loss"] - ours["log_loss"]
            for ours, other in zip(scores["luthier"], scores[name], strict=True)
        ]
        yield f"log-loss saved against {name}: {paired(gains)}"


def one(split: int) -> tuple[str, dict[str, dict[str, float]]]:
    """Return the verdict that luthier gave, and everybody's scores on the test rows."""
    plan = SplitPlan(seed=split)
    with tempfile.TemporaryDirectory() as folder:
        study = luthier.tune(
            "mlp",
            DATA,
            budget=f"{EPOCHS} epochs",
            split=plan,
            seed=split,
            engine=ENGINE,
            storage=f"sqlite:///{folder}/runs.db",
        )
        found = study.to_json()
    verdict = found["verdict"] or f"none: {found['proof']['reason']}"
    usual = assemble("mlp", DATA, split=plan, seed=split)
    ours = dict(found["best"]["test"])
    default = on_test(train_assembled(usual, seed=split, engine=ENGINE))
    return verdict, {"luthier": ours, "default": default, "random": random_search(split, plan)}


def random_search(split: int, plan: SplitPlan) -> dict[str, float]:
    """Return the test scores of the best of as many full trainings as the epochs pay for."""
    parts = assemble("mlp", DATA, split=plan, seed=split, budget=Budget(epochs=EPOCHS))
    trials = EPOCHS // parts.recipe.epochs
    arrays = parts.arrays
    ranges = default_space(parts.build, arrays.task, rows=len(arrays.train), trials=trials)
    space = Space(ranges, parts.recipe)
    rng = np.random.default_rng([split, 1])
    best: Training | None = None
    for _ in range(trials):
        recipe = space.decode(rng.random(space.dimensions))
        changed = replace(parts, recipe=recipe)
        training = train_assembled(changed, seed=split, engine=ENGINE)
        if training.score is not None and (best is None or training.score < (best.score or 0.0)):
            best = training
    if best is None:
        raise SystemExit("no training of the random search has a score")
    return on_test(best)


def on_test(training: Training) -> dict[str, float]:
    """Return a training's scores on the test rows."""
    parts, trial = training.parts, training.trial
    arrays = parts.preparation.arrays(trial.recipe)
    if training.state is None:
        raise SystemExit(f"a training failed: {trial.cause}")
    return test_scores(parts.framework, parts.build, trial, training.state, arrays)
