"""Prints the table: python -m benchmarks.strategies digits breast_cancer."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import luthier
from luthier.core import Recipe
from luthier.data import SplitPlan
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.training.scoring import test_scores
from luthier.loop.training.train import train_assembled

SEEDS = (1001, 1002, 1003)  # none that a search trains with
STRATEGIES = ("freeze_thaw", "halving", "tpe", "pbt", "random")


def main() -> None:
    """Run what the file of results lacks, then print means over splits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.strategies", description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES)
    parser.add_argument("--epochs", type=int, default=1200, help="of a search, confirmation too")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--engine", default="native")
    parser.add_argument("--out", default="strategies.jsonl")
    asked = parser.parse_args()
    out = Path(asked.out)
    lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
    rows = [json.loads(line) for line in lines]
    known = {(r["data"], r["strategy"], r["split"], r["epochs"]) for r in rows}
    for split in range(200, 200 + asked.splits):
        for data in asked.data:
            for strategy in asked.strategies:
                if (data, strategy, split, asked.epochs) in known:
                    continue
                rows.append(one(data, strategy, split, asked.epochs, asked.engine))
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    for data in asked.data:
        ours = [r for r in rows if r["data"] == data and r["epochs"] == asked.epochs]
        sys.stdout.write(f"{data}, {asked.epochs} epochs, test loss of three fresh seeds\n")
        for strategy in asked.strategies:
            sys.stdout.write(_line(strategy, [r for r in ours if r["strategy"] == strategy]))


def one(data: str, strategy: str, split: int, epochs: int, engine: str) -> dict[str, Any]:
    """Search once; train what won with fresh seeds, and judge it on the test rows.

    Of a population's winner two more recipes are trained: the values that it began with and those
    that it ended with, each throughout. Where the learnt schedule is better than both, it is the
    schedule that helps; where it is not, the population found good values.
    """
    plan = SplitPlan(seed=split)
    with tempfile.TemporaryDirectory() as folder:
        study = luthier.tune(
            "mlp",
            data,
            budget=f"{epochs} epochs",
            split=plan,
            seed=split,
            strategy=strategy,
            engine=engine,
            storage=f"sqlite:///{folder}/runs.db",
        )
        recipe = study.best.recipe
    parts = assemble("mlp", data, split=plan, seed=split)
    found: dict[str, Any] = {
        "data": data,
        "strategy": strategy,
        "split": split,
        "epochs": epochs,
        "loss": _fresh(parts, recipe, engine),
        "default": _fresh(parts, parts.recipe, engine),
        "changes": len(recipe.changes),
    }
    if recipe.changes:
        first, last = replace(recipe, changes=()), replace(recipe.at(recipe.epochs), changes=())
        found |= {"first": _fresh(parts, first, engine), "last": _fresh(parts, last, engine)}
    return found


def _fresh(parts: Assembly, recipe: Recipe, engine: str) -> list[float]:
    """Return the test losses of a recipe trained with fresh seeds."""
    losses = []
    for seed in SEEDS:
        training = train_assembled(replace(parts, recipe=recipe), seed=seed, engine=engine)
        arrays = training.parts.preparation.arrays(recipe)
        if training.state is None:
            raise SystemExit(f"a training failed: {training.trial.cause}")
        scores = test_scores(parts.framework, parts.build, training.trial, training.state, arrays)
        sign = 1.0 if arrays.task.direction == "minimize" else -1.0
        losses.append(sign * scores[arrays.task.metric])
    return losses


def _line(strategy: str, rows: list[dict[str, Any]]) -> str:
    if not rows:
        return f"  {strategy:12} not run\n"
    means = [fmean(row["loss"]) for row in rows]
    gains = [fmean(row["default"]) - fmean(row["loss"]) for row in rows]
    error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else float("nan")
    text = f"  {strategy:12} {fmean(means):.4f}  saves {fmean(gains):+.4f} ± {error:.4f} on the"
    text += f" default, ahead on {sum(g > 0 for g in gains)} of {len(gains)}"
    learnt = [row for row in rows if row["changes"]]
    if learnt:
        for name in ("first", "last"):
            saved = [fmean(row[name]) - fmean(row["loss"]) for row in learnt]
            spread = stdev(saved) / len(saved) ** 0.5 if len(saved) > 1 else float("nan")
            text += f"\n{'':15}schedule of {len(learnt)} winners saves {fmean(saved):+.4f} ± "
            text += f"{spread:.4f} on its {name} values throughout"
    return text + "\n"


main()
