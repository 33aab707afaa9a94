"""One broken training: as it is, as its fix has it, repaired, and after random search."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

import luthier
from benchmarks.repair.broken import Broken, Side
from luthier.catalog import optimizers
from luthier.core import EDITS, MODEL_PREFIX, Categorical, Domain, Float, Recipe, Space, Value
from luthier.diagnosis.cures.speed import LONGER, SHORT, SOUND
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.repair.proving import guess
from luthier.loop.repair.repair import _editable
from luthier.loop.training.scoring import part_scores
from luthier.loop.training.train import train_assembled

SEEDS = (101, 102, 103)
SHARE = 0.1  # of the gap between broken and fixed that may be left
CLEAR = 2.0  # standard errors between broken and fixed, and a tenth of the score, make a harm
SIGNS = ("without_last_activation", "relu_between", "train_all", "redraw")  # there for a reason
TOGETHER = (  # edits as cures join them
    ("relu_hidden", "normalise"),
    ("leaky_relu", "normalise"),
    *itertools.combinations(SIGNS, 2),
)
FAR = 0.2  # of what there is to learn, that a severe fault costs
UNITS = {"classification": "log_loss", "regression": "rmse"}


def compared(one: Broken, *, engine: str, seconds: float, both: bool) -> dict[str, Any]:
    """Return all that is known of a case as plain data.

    Args:
        one: The case.
        engine: What trains.
        seconds: Of the check.
        both: Whether random search also gets the epochs of finding and proving together.
    """
    began = time.monotonic()
    how: dict[str, Any] = {"task": one.task, "metric": UNITS[one.task]}
    parts = _parts(one.before, how)
    before = _scores(parts, parts.recipe, engine)
    row: dict[str, Any] = {"name": one.name, "fault": one.fault, "before": before}
    row["guess"] = _guess(parts.arrays)
    if one.fixed is not None:
        fixed = _parts(one.fixed, how)
        row["fixed"] = _scores(fixed, fixed.recipe, engine)
        if one.task == "regression":  # data of another scale: in standard deviations of its own
            row["fixed"] = [s * _spread(parts) / _spread(fixed) for s in row["fixed"]]
        row["harmful"] = harmful(before, row["fixed"])
        if not row["harmful"]:
            return {**row, "seconds": time.monotonic() - began}
    found = luthier.repair(
        one.before.build, one.before.data, recipe=one.before.recipe, storage="sqlite://",
        engine=engine, seconds=seconds, **how,
    )  # fmt: skip
    told = found.found
    row |= {
        "outcome": found.outcome,
        "findings": [
            f"{f.problem}:{f.severity[0]}" for f in told.diagnosis.findings if f.severity != "info"
        ],
        "changes": [f"{c.advice} {dict(c.settings)}" for c in told.changes],
        "tried": [[t.advice, t.score, t.epochs, t.taken] for t in told.tried],
        "full": told.full,
        "check": told.check_epochs,
        "find": told.find_epochs,
        "prove": told.prove_epochs,
    }
    row["after"] = _scores(found.parts, found.recipe, engine) if told.changes else before
    row["found"] = row["after"]
    if told.outcome == "unproven":
        row["found"] = _scores(_editable(parts, 0)[0], found.candidate, engine)
    if one.fixed is not None:
        find = told.check_epochs + told.find_epochs
        budgets = (find, find + told.prove_epochs) if both else (find,)
        found_by_chance = _random(parts, budgets, engine, crc32(one.name.encode()))
        row |= dict(zip(("random", "random_all"), found_by_chance, strict=False))
    return {**row, "seconds": time.monotonic() - began}


def harmful(before: list[float], fixed: list[float]) -> bool:
    """Tell whether a fault does harm: beyond noise, and by a tenth of what is left at least."""
    gap = float(np.mean(before) - np.mean(fixed))
    noise = float(np.sqrt((np.var(before, ddof=1) + np.var(fixed, ddof=1)) / len(before)))
    return gap > CLEAR * noise and gap > 0.1 * abs(float(np.mean(fixed)))


def severe(row: Mapping[str, Any]) -> bool:
    """Tell whether a fault costs a fifth of what there is to learn, as in the diagnoses' corpus."""
    before, fixed = (float(np.mean(row[name])) for name in ("before", "fixed"))
    return before - fixed >= FAR * (row["guess"] - fixed)


def mended(row: Mapping[str, Any], arm: str) -> bool:
    """Tell whether an arm came to within a tenth of the gap of the fix."""
    before, fixed, after = (float(np.mean(row[name])) for name in ("before", "fixed", arm))
    return after <= fixed + SHARE * (before - fixed)


def _parts(side: Side, how: Mapping[str, Any]) -> Assembly:
    return assemble(side.build, side.data, recipe=side.recipe, **how)


def _spread(parts: Assembly) -> float:
    return float(parts.arrays.task.target_scale[0])


def _scores(parts: Assembly, recipe: Recipe, engine: str) -> list[float]:
    """Return the test score of some seeds; a failed training counts as guessing."""
    found = []
    for seed in SEEDS:
        done = train_assembled(replace(parts, recipe=recipe), seed=seed, engine=engine)
        arrays = parts.preparation.arrays(recipe)
        test: Any = arrays.test
        outputs = None
        if done.state is not None and done.score is not None and np.isfinite(done.score):
            task = arrays.task
            model = parts.framework.restore(parts.build, recipe, task, done.state)
            outputs = parts.framework.outputs(model, test, task)
        worst = _guess(arrays)
        if outputs is None or not np.isfinite(outputs).all():
            found.append(worst)
            continue
        # What is worse than ten guesses is all alike: gaps are not to be measured in explosions.
        found.append(min(part_scores(arrays, outputs, test)[arrays.task.metric], 10 * worst))
    return found


def _guess(arrays: Any) -> float:
    """Return the test score of what has learnt nothing."""
    floor = guess(arrays.train, arrays.test, arrays.task.n_outputs, bool(arrays.task.classes))
    return part_scores(arrays, floor, arrays.test)[arrays.task.metric]


def _random(
    parts: Assembly, budgets: tuple[float, ...], engine: str, seed: int
) -> list[list[float]]:
    """Return what random search over all that cures can change comes to, by validation score.

    Args:
        parts: The broken training.
        budgets: Epochs after which its best so far is taken, rising.
        engine: What trains.
        seed: Of the draws; each case has its own.
    """
    parts, _ = _editable(parts, 0)
    spaces = spaces_of(parts)
    rng = np.random.default_rng(seed)
    best, best_score = parts.recipe, np.inf
    spent, found = 0.0, {}
    for budget in budgets:
        while spent + parts.recipe.epochs <= budget:
            space = spaces[rng.integers(len(spaces))]
            recipe = space.decode(rng.random(space.dimensions).tolist())
            spent += recipe.epochs
            done = train_assembled(replace(parts, recipe=recipe), seed=0, engine=engine)
            if done.score is not None and np.isfinite(done.score) and done.score < best_score:
                best, best_score = recipe, done.score
        found[budget] = best
    known = {one: _scores(parts, one, engine) for one in set(found.values())}
    return [known[found[budget]] for budget in budgets]


def spaces_of(parts: Assembly) -> list[Space]:
    """Return all that repair's cures can change, the recipe's own values among them.

    There is one space with the recipe's optimizer, and one with that which cures take instead.
    """
    own, known = parts.recipe, optimizers.by_name(SOUND)
    other = own.replace({"optimizer": SOUND, "learning_rate": known.default_learning_rate})
    return [_space(parts, one) for one in dict.fromkeys((own, other))]


def _space(parts: Assembly, own: Recipe) -> Space:
    rates = optimizers.by_name(own.optimizer).learning_rates
    low, high = min(rates.low, own.learning_rate), max(rates.high, own.learning_rate)
    ranges: dict[str, Domain] = {"learning_rate": Float(low, high, log=True)}
    choices: dict[str, tuple[Value, ...]] = {
        "schedule": ("cosine",),
        "warmup": (0.1,),
        "clip_norm": (None, 1.0),
        "preprocessing": ("standard", "quantile"),
        "initialiser": (None, "kaiming_normal", "xavier_uniform"),
        "l1": (0.0,),
        "l2": (0.0,),
        "weight_decay": (0.01, 0.1),
        "label_smoothing": (0.0,),
        "mixup": (0.0,),
        "batch_size": (32,),
        "epsilon": (1e-8,),
        "momentum": (0.9,),
        "beta1": (0.9,),
        "beta2": (0.999,),
        "ema": (None,),
        "dropout": (0.1,) if own.dropout is not None else (),
        "epochs": (2 * own.epochs, *((LONGER * own.epochs,) if own.epochs < SHORT else ())),
    }
    if parts.arrays.task.kind == "regression":
        choices.pop("label_smoothing")
    for name, domain in parts.build.parameters.items():
        if isinstance(domain, Categorical):
            choices[f"{MODEL_PREFIX}{name}"] = domain.choices
    for key, values in choices.items():
        all_of = tuple(dict.fromkeys((own.get(key), *values)))
        if len(all_of) > 1:
            ranges[key] = Categorical(*all_of)
    edits = parts.framework.edits(parts.build, own, parts.arrays, 0)
    if edits:
        names = [one.name for one in edits]
        both = ["+".join(one) for one in TOGETHER if set(one) <= set(names)]
        ranges[f"{MODEL_PREFIX}{EDITS}"] = Categorical("", *names, *both)
    return Space(ranges, own)
