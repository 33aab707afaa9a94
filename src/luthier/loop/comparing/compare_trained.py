"""Compare two recipes or networks: train both with several seeds, judge on test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np

from luthier.core import DataError, LuthierError, Recipe, RecipeError
from luthier.data import Dataset, SplitPlan
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.comparing.sides import name_of
from luthier.loop.handing_over.recipes import load_recipe
from luthier.loop.handing_over.retrain import builder_of
from luthier.loop.proving.contributions import recipe_cost, row_contributions
from luthier.loop.training.scoring import test_hash
from luthier.loop.training.train import Training, train_assembled
from luthier.proof import METHOD, SPENT, STAGES, UNDECIDED, judge, spending
from luthier.report.comparison import Compared, Side
from luthier.storage import connect


@dataclass(frozen=True)
class Options:
    """How both are trained: the arguments of `luthier.compare` of those names."""

    recipe: Recipe | Mapping[str, Any] | str | Path | None
    target: str | None
    task: str | None
    metric: str | None
    sample_weight: Any
    group: str | None
    time: str | None
    split: SplitPlan | None
    seed: int
    engine: str
    framework: str | None


def compare_trained(
    a: Any,
    b: Any,
    data: Any,
    options: Options,
    *,
    seeds: int,
    min_difference: float | None,
    cost: str,
    storage: str,
    notify: Callable[[str], None],
) -> Compared:
    """Train until there is a verdict, or the seeds are used up.

    Raises:
        LuthierError: for what cannot be trained or judged.
    """
    if data is None:
        raise LuthierError(
            "two that are to be trained need data to learn from, and there is none. Name it: "
            "--data digits, or luthier.compare(a, b, data)."
        )
    if seeds < 2:
        raise LuthierError(
            f"{seeds} training of each says nothing of another one. Two show how much trainings "
            "differ, three show it well. Write --seeds 5, or leave it out."
        )
    parts = _parts(a, b, data, options)
    task = parts[0].arrays.task
    names = _names(a, b)
    about: dict[str, Any] = {
        "kind": "trained",
        "metric": task.metric,
        "direction": task.direction,
        "cost": cost,
    }
    planned = tuple(count for count in STAGES if count <= seeds) or (seeds,)
    if planned[-1] != seeds:
        planned = (*planned, seeds)
    done: tuple[list[Training], list[Training]] = ([], [])
    tables: tuple[list[Any], list[Any]] = ([], [])
    opened: int | None = None
    verdict = None
    for count, level in zip(planned, spending(planned), strict=True):
        for seed in range(options.seed + 1 + len(done[0]), options.seed + 1 + count):
            for which, one in enumerate(parts):
                notify(f"{names[which]}, seed {seed}")
                training = train_assembled(one, seed=seed, engine=options.engine)
                done[which].append(training)
                if training.state is None or training.score is None:
                    why = f"a training of {names[which]} failed: {training.trial.cause}"
                    return Compared(**about, a=Side(names[0]), b=Side(names[1]), reason=why)
                recipe = training.trial.recipe
                tables[which].append(row_contributions(one, recipe, training.state))
        if opened is None:
            opened = _open(parts[0], storage, names)
        sign = 1.0 if task.direction == "maximize" else -1.0
        first, second = (sign * np.array(table) for table in tables)
        verdict = judge(
            first, second, level=level, min_difference=min_difference, seed=options.seed
        )
        if verdict.verdict != UNDECIDED:
            break
    sides = [_side(*each) for each in zip(names, parts, done, tables, strict=True)]
    curves = [training.trial.curves for each in done for training in each]
    return Compared(
        **about,
        a=sides[0],
        b=sides[1],
        verdict=verdict,
        openings=opened,
        epochs_spent=sum(map(len, curves)),
        seconds=fsum(second for one in curves for second in one.seconds),
        method=METHOD + SPENT,
        notes=_notes(parts, names),
    )


def _parts(a: Any, b: Any, data: Any, options: Options) -> tuple[Assembly, Assembly]:
    """Return both, put together on the same splits of the same data."""
    whats = [_what(side, options) for side in (a, b)]
    known = next((plan for _, _, plan, _ in whats if plan), SplitPlan(seed=options.seed))
    first = _assembled(whats[0], data, options, known)
    dataset: Dataset = first.preparation.dataset
    second = _assembled(whats[1], dataset, options, known)
    if first.arrays.test is None or not len(first.arrays.test):
        raise DataError(
            "there are no test rows to judge on. What is claimed comes from rows that neither "
            "network has seen. Give a third pair, or a split with test=0.2."
        )
    if first.preparation.splits.key != second.preparation.splits.key:
        raise LuthierError(
            "A and B were tuned on different splits of the data, so that one has learnt from "
            "rows that the other is judged by. Name one split for both: split=SplitPlan(seed=0)."
        )
    return first, second


def _assembled(
    what: tuple[Any, Any, SplitPlan | None, str | None],
    data: Any,
    options: Options,
    known: SplitPlan,
) -> Assembly:
    build, recipe, plan, own = what
    return assemble(
        build,
        data,
        recipe=recipe,
        target=options.target,
        task=options.task,
        metric=options.metric,
        sample_weight=options.sample_weight,
        group=options.group,
        time=options.time,
        split=options.split or plan or known,
        seed=options.seed,
        framework=options.framework or own,
    )


def _what(side: Any, options: Options) -> tuple[Any, Any, SplitPlan | None, str | None]:
    """Return builder, recipe, and the split and the framework that a recipe was tuned with."""
    if isinstance(side, (str, Path)) and Path(side).suffix in (".yaml", ".yml"):
        path = Path(side)
        keys = load_recipe(path)
        run = keys.get("run")
        about = run if isinstance(run, Mapping) else {}
        known = about.get("split")
        try:
            plan = SplitPlan(**known) if isinstance(known, Mapping) else None
        except TypeError:
            raise RecipeError(
                f"{path}: cannot read the split {known!r} in its run block. luthier writes it. "
                "Leave it out, or copy it whole."
            ) from None
        return (
            builder_of(str(keys.get("network", "mlp")), path.parent),
            keys,
            plan,
            about.get("framework"),
        )
    if isinstance(side, Recipe):
        return side.network.partition("#")[0], side, None, None
    if isinstance(side, Mapping):
        return str(side.get("network", "mlp")), side, None, None
    return side, options.recipe, None, None


def _names(a: Any, b: Any) -> tuple[str, str]:
    one, other = name_of(a, "A"), name_of(b, "B")
    return (one, other) if one != other else (f"{one} (A)", f"{other} (B)")


def _open(parts: Assembly, storage: str, names: tuple[str, str]) -> int:
    """Note in the ledger that the test part is opened; return how often it was before."""
    test = test_hash(parts.preparation.dataset.fingerprint, parts.arrays)
    return connect(storage).opened(test, f"compare {names[0]} with {names[1]}")


def _side(name: str, parts: Assembly, done: list[Training], table: list[Any]) -> Side:
    trials, state = [training.trial for training in done], done[0].state
    return Side(
        name=name,
        scores=tuple(float(np.mean(row)) for row in table),
        seeds=tuple(trial.seed for trial in trials),
        **({} if state is None else {"cost": recipe_cost(parts, trials, state)}),
    )


def _notes(parts: tuple[Assembly, Assembly], names: tuple[str, str]) -> tuple[str, ...]:
    notes = list(parts[0].preparation.dataset.notes)
    epochs = [one.recipe.epochs for one in parts]
    if epochs[0] != epochs[1]:
        notes.append(f"{names[0]} trains for {epochs[0]} epochs, {names[1]} for {epochs[1]}")
    return tuple(notes)
