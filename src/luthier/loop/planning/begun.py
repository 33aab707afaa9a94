"""The first phase of a search: whether its start is stable with head-room, and what if not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf
from typing import Any

from luthier.core import (
    Categorical,
    Conditional,
    Domain,
    Float,
    LuthierError,
    Plain,
    Space,
    Storage,
    StudyRecord,
)
from luthier.loop.assembly import Assembly
from luthier.loop.limits import Limits
from luthier.loop.planning.stabilise import Stability, stabilised
from luthier.loop.training.trainer import TrialError, trial_errors
from luthier.loop.working.budget import LOOK, Budget
from luthier.search.rates.stability import STEPS

SHARE = 0.01  # of a budget, for one look: a quarter of a training of usual length in 25 of them
CURES = 5  # looks' worth of steps, at most, for finding what helps
Compute = Callable[[Callable[[Assembly, Storage], Any]], Any]
_WARMUPS = Float(0.0, 0.2)


@dataclass(frozen=True)
class Look:
    """How many steps to look at, and what they may cost.

    Args:
        steps: Of one look.
        updates: Of an epoch.
        seconds: That all of it may take.
    """

    steps: int
    updates: int
    seconds: float = inf


def affordable_look(
    budget: Budget,
    updates: int,
    full: int,
    *,
    steps: int = STEPS,
    share: float = SHARE,
    least: float = 60.0,
) -> Look | None:
    """Return the look that a budget affords; None where it would cost more than its share.

    Args:
        budget: Of the whole study.
        updates: Of an epoch.
        full: Epochs of a full training.
        steps: The playbook's number; no more than a quarter of a short training.
        share: Of the budget, at most.
        least: Seconds of a budget in time, below which getting ready alone would be the share.

    >>> affordable_look(Budget(epochs=600), updates=33, full=50)
    >>> affordable_look(Budget(epochs=3000), updates=33, full=60)
    Look(steps=495, updates=33, seconds=inf)
    >>> affordable_look(Budget(seconds=300), updates=33, full=60).seconds
    3.0
    """
    steps = min(steps, updates * full // 4)
    trainings = min(budget.epochs / full, budget.trials)
    if budget.seconds < least or steps < 20 or steps / (updates * full) > share * trainings:
        return None
    return Look(steps, updates, share * budget.seconds)


def begun(
    record: StudyRecord, budget: Budget, parts: Assembly, compute: Compute, *, given: bool
) -> StudyRecord:
    """Return the record of a search that begins, after a look at twice its rate.

    What helps against instability becomes the baseline, where nobody said what to begin with. A
    user's recipe stays as it is, since the verdict is about it, and the space gets what helps.

    Args:
        record: Of the study.
        budget: Of the study.
        parts: Builder and data.
        compute: Calls a function with both where networks are trained.
        given: Whether the user said what to begin with.
    """
    baseline = record.space.baseline
    updates = baseline.updates(len(parts.arrays.train))
    look = affordable_look(budget, updates, baseline.epochs)
    if look is None:
        return record
    try:
        found: Stability = compute(partial(_look, record, look))
    except (LuthierError, TrialError):
        return record  # it would take too long; or a network that cannot be trained fails as trial
    return concluded(record, found, ceil(found.steps / updates), given=given)


def concluded(record: StudyRecord, found: Stability, epochs: int, *, given: bool) -> StudyRecord:
    """Return a record that says what a look saw, and has what helps.

    Args:
        record: Of the study.
        found: What was seen.
        epochs: What it cost.
        given: As for `begun`.
    """
    space, first = record.space, found.said[0]
    changed = space.baseline.difference(found.recipe)
    said = first if len(found.said) == 1 else f"{first}; {found.said[-1]}"
    if not found.stable:
        said = f"{first}; nothing that was tried helped"
    elif changed and given:
        space = replace(space, parameters={**space.parameters, **_varied(changed, found, space)})
        said += ": the recipe to start from is yours and stays, the search tries it"
    elif changed:
        space = replace(space, baseline=found.recipe)
        said += ": the search began with it"
    if found.edit is not None:
        said += f" ({found.edit.advice[0].lower()}{found.edit.advice[1:]}, and it is stable, too)"
    about = {**record.about, LOOK: {"said": said, "epochs": epochs}}
    return replace(record, space=space, about=about)


def _look(record: StudyRecord, look: Look, parts: Assembly, storage: Storage) -> Stability:
    began = time.monotonic()
    # The one that trains the study's trials: what it finds out about engines here, it knows.
    timed = look.seconds < inf
    trainer = parts.trainer(record.about["engine"], timed=timed, limits=Limits.of(record))

    def before() -> None:
        if time.monotonic() - began > look.seconds:
            raise TrialError("the look took more time than its share")

    with trial_errors():
        return stabilised(
            parts,
            trainer,
            record.space.baseline,
            record.seed,
            steps=look.steps,
            most=CURES * look.steps,
            before=before,
        )


def _varied(changed: Mapping[str, Any], found: Stability, space: Space) -> dict[str, Domain]:
    """Return what a search varies so that it can have what helps, and where to look for it first.

    A rate is within its range already: the search looks first within a factor of two of it, so that
    its second trial has it.
    """
    recipe, known, varied = found.recipe, space.parameters, dict[str, Domain]()
    if "warmup" in changed and "warmup" not in known:
        low, high = recipe.warmup / 2, min(2 * recipe.warmup, _WARMUPS.high)
        varied["warmup"] = replace(_WARMUPS, likely=(low, high))
    if "clip_norm" in changed and "clip_norm" not in known:
        varied["clip_norm"] = Categorical(None, recipe.clip_norm)
    domain = known.get("learning_rate")
    if "learning_rate" in changed and domain is not None:
        if isinstance(domain, Conditional):
            value = recipe.get(domain.on)
            cases = {**domain.cases}
            if value in cases:
                cases[value] = _near(cases[value], recipe.learning_rate)
            varied["learning_rate"] = replace(domain, cases=cases)
        else:
            varied["learning_rate"] = _near(domain, recipe.learning_rate)
    return varied


def _near(domain: Plain, rate: float) -> Plain:
    if not isinstance(domain, Float):
        return domain
    low, high = max(domain.low, rate / 2), min(domain.high, 2 * rate)
    return replace(domain, likely=(low, high)) if low < high else domain
