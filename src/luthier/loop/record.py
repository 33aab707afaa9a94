"""What a study is about: its name, its space, and what must be the same when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.catalog.nuisance import NAME as NUISANCE
from luthier.catalog.nuisance import nuisance
from luthier.catalog.recipe_keys import limits
from luthier.catalog.spaces import ADAPTIVE, default_space
from luthier.core import Categorical, Conditional, Domain, Float, Int, Recipe, Space, StudyRecord
from luthier.data import share_a_scale
from luthier.loop.assembly import Assembly, completed
from luthier.loop.builders import lasting_reference
from luthier.loop.handing_over.recipes import check_space, load_recipe, load_space
from luthier.loop.limits import Limits
from luthier.loop.planning.next_length import EARLIER
from luthier.loop.working.budget import LENGTH, LOOK, Budget

_ADAPTIVE = ("adam", "nadam", "radam", "adamax")
_KEPT = ("start", LENGTH, LOOK, EARLIER)  # of a study that goes on
_ROLES = ("target", "weight", "group", "time")


def study_name(parts: Assembly, seed: int) -> str:
    """Return a study's default name: of data, model, and a seed other than 0."""
    data = Path(parts.preparation.dataset.path).stem or "data"
    model = Path(parts.build.reference.partition(":")[0]).stem
    return f"{data}-{model}" + (f"-seed{seed}" if seed else "")


def study_record(
    parts: Assembly,
    name: str,
    *,
    stored: StudyRecord | None,
    recipe: Recipe | Mapping[str, Any] | str | Path | None,
    space: Mapping[str, Domain] | str | Path | None,
    budget: Budget,
    seed: int,
    strategy: str = "freeze_thaw",
    engine: str = "auto",
    wishes: Limits | None = None,
) -> StudyRecord:
    """Return the record of a study that begins, or goes on.

    Defaults depend on the budget. A study that goes on keeps the ones it began with, so that
    more budget needs no more than a larger number.

    Args:
        parts: What is trained.
        name: The study's name.
        stored: Its record, if it exists.
        recipe: The user's start recipe, if any.
        space: The user's ranges, if any; ``nuisance`` for the default ones of rate, momentum and
            regularisers, with all else as the baseline has it.
        budget: Decides how much the default space holds.
        seed: Of the study.
        strategy: Name of what decides, for workers that join later.
        engine: Name of what trains, for them as well.
        wishes: What networks may cost, and further goals; those it began with where none are told.
    """
    task, dataset = parts.arrays.task, parts.preparation.dataset
    baseline = parts.recipe if stored is None else _resumed(recipe, stored.space.baseline)
    ranges: Mapping[str, Domain]
    grows: list[str] = []
    stale = str(space) == NUISANCE and not Path(NUISANCE).exists()
    if stale:
        space = None
    if isinstance(space, (str, Path)):
        ranges = load_space(Path(space))
    elif space is not None:
        ranges = space
    elif stored is not None:
        ranges, grows = stored.space.parameters, stored.about.get("grows", [])
    else:
        ranges = default_ranges(parts, budget)
        if stale:
            ranges = nuisance(ranges)
        if recipe is not None:  # what lies beside the default recipe says nothing of the user's
            ranges = {name: _anywhere(domain) for name, domain in ranges.items()}
        grows = list(limits(ranges))
    check_space(ranges, baseline, parts.build)
    asked = wishes or (Limits() if stored is None else Limits.of(stored))
    return StudyRecord(
        name=name,
        metric=task.metric,
        direction=task.direction,
        space=Space(ranges, baseline),
        data=parts.fingerprint,
        builder=parts.build.hash,
        seed=seed,
        about={
            "task": task.kind,
            "data": dataset.path,
            "model": parts.build.reference,
            **{role: dataset.reading.get(role) for role in _ROLES},
            # What a worker in another terminal needs beside that.
            "builder": lasting_reference(parts.build),
            "split": parts.preparation.plan.to_json(),
            "budget": budget.to_json(),
            "strategy": strategy,
            "engine": engine,
            "framework": parts.framework.name,
            "grows": grows,
            **asked.to_json(),
            **{k: stored.about[k] for k in _KEPT if stored and k in stored.about},
        },
    )


def _resumed(recipe: Recipe | Mapping[str, Any] | str | Path | None, base: Recipe) -> Recipe:
    """Return what the user asks for now, completed by what the study began with."""
    if recipe is None:
        return base
    keys = load_recipe(Path(recipe)) if isinstance(recipe, (str, Path)) else recipe
    return completed(keys, base)


def default_ranges(parts: Assembly, budget: Budget) -> dict[str, Domain]:
    """Return what a search varies where nobody says, as much as its budget can try."""
    arrays, dataset = parts.arrays, parts.preparation.dataset
    ranges = default_space(
        parts.build,
        arrays.task,
        rows=len(arrays.train),
        trials=_trainings(budget, parts.recipe.epochs),
        tensor=dataset.raw["tensor"] is not None,
        categorical=bool(dataset.categories),
        dropout=parts.about.dropout,
    )
    ranges = _without(ranges, parts.about.decided, parts.recipe)
    if parts.about.penalised:
        ranges["l2"] = Float(1e-6, 0.1, log=True)
    if parts.recipe.optimizer in _ADAPTIVE:
        # What the network is compiled with takes the place of the default of its kind.
        ranges = {k: _renamed(v, ADAPTIVE, parts.recipe.optimizer) for k, v in ranges.items()}
    searched = "preprocessing" in ranges and parts.recipe.preprocessing != "standard"
    if searched and share_a_scale(dataset, parts.preparation.splits.train):
        # A value that training rows hardly have is standardised to dozens of deviations: three
        # seeds of a winner on digits had a loss of 31 to 34 on one such row of the test part.
        ranges["preprocessing"] = Categorical("minmax", "quantile")
    if parts.recipe.preprocessing == "tokens":
        # Tokens can be neither scaled nor mixed, and take no noise.
        without = ("preprocessing", "mixup", "noise")
        ranges = {k: v for k, v in ranges.items() if k not in without}
    return ranges


def _anywhere(domain: Domain) -> Domain:
    return replace(domain, likely=None) if isinstance(domain, (Float, Int)) else domain


def _without(
    ranges: Mapping[str, Domain], names: tuple[str, ...], recipe: Recipe
) -> dict[str, Domain]:
    """Leave out some ranges; what depended on them has the range of the recipe's value."""
    left: dict[str, Domain] = {}
    for name, domain in ranges.items():
        if name in names:
            continue
        if isinstance(domain, Conditional) and domain.on in names:
            case = domain.case(recipe.get(domain.on))
            if case is not None:
                left[name] = case
        else:
            left[name] = domain
    return left


def _renamed(domain: Domain, old: str, new: str) -> Domain:
    """Return a range with one choice's name replaced."""
    if isinstance(domain, Categorical):
        choices = (new if choice == old else choice for choice in domain.choices)
        return Categorical(*choices, last=domain.last)
    if isinstance(domain, Conditional):
        cases = {new if value == old else value: case for value, case in domain.cases.items()}
        return Conditional(domain.on, cases)
    return domain


def _trainings(budget: Budget, epochs: int) -> int:
    """Return about how many full trainings a budget pays for; 25 where only time is given.

    A space may not depend on a machine's speed, or a study could not go on elsewhere.
    """
    trainings = min(budget.trials, budget.epochs / epochs)
    return 25 if trainings == float("inf") else max(1, int(trainings))
