"""Digits: what luthier hands over, against its default recipe and against random search.

Each split is luthier's own (60 % training, 20 % validation, 20 % test, stratified) with the seed
named. All three get the same rows and are judged once on the same test rows.

- luthier: `luthier.tune` with 600 epochs, confirmation included.
- random search: a dozen recipes drawn from the very space that luthier searches, each trained to
  its end of 50 epochs; the best on validation rows. 600 epochs, none of them for confirming.
- the default: the recipe that luthier starts from, at its usual 60 epochs.

Each of them stands a second time, refitted: what it hands over with `--refit`, which learns from
validation rows, too. Those epochs come on top, for all three.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

import luthier
from benchmarks.proof.pairs import paired
from luthier.core import Space
from luthier.data import SplitPlan
from luthier.loop.assembly import assemble
from luthier.loop.handing_over.refit import refitted
from luthier.loop.record import default_ranges
from luthier.loop.training.scoring import test_scores
from luthier.loop.training.train import Training, train_assembled
from luthier.loop.working.budget import Budget

EPOCHS, DATA = 600, "digits"
SPLITS = range(10)

Scores = dict[str, float]


def run(splits: Iterable[int] = SPLITS, *, engine: str = "native") -> Iterator[str]:
    """Yield a line a split, then the paired differences."""
    scores: dict[str, list[Scores]] = {}
    for split in splits:
        verdict, found = one(split, engine)
        for name, values in found.items():
            scores.setdefault(name, []).append(values)
        shown = "  ".join(
            f"{name} {values['log_loss']:.4f} ({values['accuracy']:.3f})"
            for name, values in found.items()
        )
        yield f"split {split}: {shown}  verdict {verdict}"
    for name, every in scores.items():
        for metric in ("log_loss", "accuracy"):
            yield f"{name:15} {metric:9} mean {np.mean([one[metric] for one in every]):.4f}"
    for ours, rival in (
        ("luthier", "default"),
        ("luthier", "random"),
        ("luthier refit", "default refit"),
        ("luthier refit", "random refit"),
    ):
        pairs = zip(scores[ours], scores[rival], strict=True)
        gains = [theirs["log_loss"] - mine["log_loss"] for mine, theirs in pairs]
        yield f"log-loss that {ours} saves against {rival}: {paired(gains)}"


def one(split: int, engine: str) -> tuple[str, dict[str, Scores]]:
    """Return the verdict that luthier gave, and everybody's scores on the test rows."""
    plan = SplitPlan(seed=split)
    with tempfile.TemporaryDirectory() as folder:
        study = luthier.tune(
            "mlp",
            DATA,
            budget=f"{EPOCHS} epochs",
            split=plan,
            seed=split,
            engine=engine,
            storage=f"sqlite:///{folder}/runs.db",
        )
        found = study.to_json()
        handed = found["baseline" if study.chosen.trial == study.history.trials[0] else "best"]
        parts = assemble("mlp", DATA, split=plan, seed=split)
        ours = refitted(parts, study.chosen.trial)
    verdict = found["verdict"] or f"none: {found['proof']['reason']}"
    default = train_assembled(parts, seed=split, engine=engine)
    random = random_search(split, plan, engine)
    return verdict, {
        "luthier": dict(handed["test"]),
        "default": on_test(default),
        "random": on_test(random),
        "luthier refit": on_test(ours),
        "default refit": on_test(refitted(default.parts, default.trial)),
        "random refit": on_test(refitted(random.parts, random.trial)),
    }


def random_search(split: int, plan: SplitPlan, engine: str) -> Training:
    """Return the best of as many full trainings as the epochs pay for."""
    parts = assemble("mlp", DATA, split=plan, seed=split, budget=Budget(epochs=EPOCHS))
    trials = EPOCHS // parts.recipe.epochs
    space = Space(default_ranges(parts, Budget(epochs=EPOCHS)), parts.recipe)
    rng = np.random.default_rng([split, 1])
    best: Training | None = None
    for _ in range(trials):
        recipe = space.decode(rng.random(space.dimensions).tolist())
        changed = replace(parts, recipe=recipe)
        training = train_assembled(changed, seed=split, engine=engine)
        if training.score is not None and (best is None or training.score < (best.score or 0.0)):
            best = training
    if best is None:
        raise SystemExit("no training of the random search has a score")
    return best


def on_test(training: Training) -> Scores:
    """Return a training's scores on the test rows."""
    parts, trial = training.parts, training.trial
    arrays = parts.preparation.arrays(trial.recipe)
    if training.state is None:
        raise SystemExit(f"a training failed: {trial.cause}")
    return test_scores(parts.framework, parts.build, trial, training.state, arrays)
