"""Working on an objective: decide, claim, call it, store; until the budget is spent."""

from __future__ import annotations

import logging
import math
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier import search
from luthier.core import (
    Claim,
    Curves,
    Executor,
    Finding,
    History,
    LuthierError,
    Pruned,
    Recipe,
    Space,
    State,
    Step,
    Stop,
    Storage,
    StudyRecord,
    Value,
    nothing,
)
from luthier.loop.limits import Limits
from luthier.loop.objective.asked import as_strategies_see, merged, recorded, space_so_far
from luthier.loop.objective.trial import ObjectiveTrial
from luthier.loop.study import Study
from luthier.loop.working.budget import Budget
from luthier.loop.working.eviction import evictions
from luthier.loop.working.overseer import Overseer
from luthier.loop.working.worker import LEASE, alive, check_hope, worker_name

log = logging.getLogger(__name__)


class _Lap:
    """Tells the seconds since it was asked last: what is spent on deciding counts, too."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def seconds(self) -> float:
        before, self._last = self._last, time.monotonic()
        return self._last - before


@dataclass(frozen=True, eq=False)
class ObjectiveWork:
    """What the workers of an objective do, in a form that can go to another process.

    Args:
        objective: Trains one trial, and returns its score.
        study: What the study is about.
        storage: Where it lives.
        budget: When to end.
        folder: Where its trials may keep checkpoints.
        strategy: Decides what comes next, once trials have shown what they ask for.
        notify: Called with the history by a worker of this process; it stays here.
    """

    objective: Callable[[ObjectiveTrial], float]
    study: StudyRecord
    storage: Storage
    budget: Budget
    folder: Path
    strategy: str = "freeze_thaw"
    notify: Callable[[History], None] = nothing

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.objective, self.study, self.storage, self.budget, self.folder, self.strategy)
        return ObjectiveWork, parts

    def __call__(self, index: int, stop: Stop) -> tuple[str, ...]:
        """Work until the budget is spent, or someone asks to stop; return what was found wrong."""
        me, name, hopeless = worker_name(index), self.study.name, 0
        lap = _Lap()
        wrong: dict[str, tuple[list[int], Finding]] = {}
        stops = self.storage.history(name).stops
        with alive(self.storage, name, me):
            while not stop.asked:
                history = self.storage.history(name)
                if history.stops > stops:
                    break
                self.notify(self.budget.left(history))
                if self.budget.spent(history):
                    break
                claim = self.storage.claim(name, me, LEASE)
                if claim is None:
                    if self._plan(history):
                        continue
                    if not any(t.state in ("waiting", "running") for t in history.trials):
                        break
                    time.sleep(0.1)  # what other workers find may call for more
                elif claim.state is None and (claim.trial.epochs or claim.trial.engine):
                    # A worker that died began it, and this objective cannot go on in its middle.
                    self.storage.finish(name, claim, "failed", "interrupted")
                else:
                    self.storage.assign(name, claim.trial.number, "objective")
                    trial, cause = self._try(claim, history, stop, lap)
                    for finding in trial.findings():
                        wrong.setdefault(finding.problem, ([], finding))[0].append(trial.number)
                    hopeless = 0 if trial.epochs else hopeless + 1
                    check_hope(hopeless, cause)
        return tuple(_remark(numbers, finding) for numbers, finding in wrong.values())

    def _plan(self, history: History) -> bool:
        """Plan the next steps; tell whether the budget pays for any."""
        steps = self.budget.afford(self._steps(self.budget.left(history)), history)
        if steps:
            self.storage.plan(self.study.name, history.decisions, steps)
        return bool(steps)

    def _steps(self, history: History) -> list[Step]:
        # How many epochs it will report, the objective alone knows: one is the least.
        first = self.study.space.baseline if not history.trials else Recipe(network="objective")
        drawn = [Step(1, recipe=first, seed=self.study.seed)]
        if self.strategy == "random":
            return drawn
        space = space_so_far(self.storage.record(self.study.name), history)
        if space is None:
            return drawn
        self._make_room(history)
        seen = as_strategies_see(history, space)
        wishes = Limits.of(self.study)
        strategy = search.for_goals(self._suited(space), wishes.goals, wishes.bounds)
        return list(strategy(space, seen, np.random.default_rng([seen.seed, seen.decisions])))

    def _suited(self, space: Space) -> str:
        """Return the strategy; without curves the default has nothing to be ahead by."""
        curves = space.baseline.epochs > 1
        return "tpe" if self.strategy == "freeze_thaw" and not curves else self.strategy

    def _make_room(self, history: History) -> None:
        """Give up the checkpoints of paused trials that nobody will come back to."""
        seen = replace(history.searched, metric="reported")
        paused = {trial.number for trial in history.trials if trial.state == "paused"}
        gone = [number for number in evictions(seen) if number in paused]
        if gone:
            self.storage.evict(self.study.name, gone)
            for number in gone:
                shutil.rmtree(self._folder_of(number), ignore_errors=True)

    def _folder_of(self, number: int) -> Path:
        return self.folder / f"trial-{number}"

    def _try(
        self, claim: Claim, history: History, stop: Stop, lap: _Lap
    ) -> tuple[ObjectiveTrial, str | None]:
        """Run one piece of a trial; whatever it raises is recorded with it.

        Returns:
            The trial, and why it failed or was pruned.
        """
        name, number = self.study.name, claim.trial.number
        space = space_so_far(self.storage.record(name), history)
        # How long a full training is, and so where trials are compared, ended ones have shown.
        full = None if space is None else space.baseline.epochs

        def store(rows: list[dict[str, Any]], state: State | None) -> None:
            model = {key: recorded(value) for key, value in trial.params.items()}
            self.storage.revise(name, number, replace(claim.trial.recipe, model=model))
            curves = Curves.from_epochs(rows)
            self.storage.advance(name, claim, curves, state, seconds=lap.seconds())
            stop.asked |= self.storage.history(name, history.changed).stops > history.stops

        trial = ObjectiveTrial(
            number,
            history,
            store,
            proposed=dict(claim.trial.recipe.model),
            before=claim.trial.curves,
            state=claim.state,
            until=None if full is None or claim.until >= full else claim.until,
            full=full,
            folder=self._folder_of(number),
            stop=lambda: stop.asked or self._spent(history, trial.epochs - claim.trial.epochs),
        )
        state, cause, value = "finished", None, None
        try:
            value = float(self.objective(trial))
            if not math.isfinite(value):
                state, cause = "failed", f"nan_loss: the objective returned {value}"
        except Pruned:
            state, cause = "pruned", "the objective ended it"
            if trial.pausing:
                state, cause = "paused", None
        except Exception as error:
            log.debug("trial %d failed", number, exc_info=True)
            state, cause = "failed", f"{type(error).__name__}: {error}"
        if state == "paused":
            trial.pause()
        else:
            trial.end(value if state == "finished" else None)
        self._remember(trial)
        if state == "paused" and stop.asked:
            self.storage.release(name, claim.worker)  # the same command goes on with it
        else:
            self.storage.finish(name, claim, state, cause)
        return trial, cause

    def _spent(self, history: History, fresh: int) -> bool:
        return history.epochs + fresh >= self.budget.epochs

    def _remember(self, trial: ObjectiveTrial) -> None:
        """Store the ranges that a trial asked for, where they are new."""
        record = self.storage.record(self.study.name)
        about = merged(record.about, trial.asked)
        if about != dict(record.about):
            self.storage.open(replace(record, about=about))


def tune_objective(work: ObjectiveWork, executor: Executor, workers: int) -> Study:
    """Call an objective with one trial after another until the budget is spent.

    Raises:
        LuthierError: when trial after trial ends before its first epoch.
    """
    stored = work.storage.find(work.study.name)
    about = {**({} if stored is None else stored.about), **work.study.about}
    work = replace(work, study=replace(work.study, about=about))
    work.storage.open(work.study)
    overseer = Overseer(work.study.name, work.storage, work.budget, work.notify)
    told = overseer.run(executor, work, workers)
    remarks = dict.fromkeys(line for lines in told if lines for line in lines)
    return Study(work.storage.record(work.study.name), work.storage, remarks=tuple(remarks))


def objective_record(
    name: str, direction: str, seed: int, start: Mapping[str, Value] | None = None
) -> StudyRecord:
    """Return what a study of an objective is about: its space shows as it runs.

    Args:
        name: The study's.
        direction: ``minimize`` or ``maximize``.
        seed: Decides what is tried.
        start: Values of the first trial; what is not there is drawn.
    """
    space = Space({}, Recipe(network="objective", model=dict(start or {})))
    return StudyRecord(name, "value", direction, space, seed=seed, about={"task": "objective"})


def checkpoint_folder(url: str, study: str) -> Path:
    """Return where the trials of an objective keep checkpoints: beside the file of the study.

    >>> checkpoint_folder("sqlite:////data/luthier.db", "my study").as_posix()
    '/data/luthier-checkpoints/my-study'
    """
    path = re.sub(r"^sqlite(\+\w+)?://", "", url)
    if path in ("", "/", "/:memory:"):
        return Path(tempfile.mkdtemp(prefix="luthier-"))
    here = Path(path.removeprefix("/").partition("?")[0]) if url.startswith("sqlite") else Path("x")
    name = re.sub(r"[^\w.-]+", "-", study).strip(".") or "study"
    return here.expanduser().absolute().parent / "luthier-checkpoints" / name


def start_values(recipe: object) -> dict[str, Value]:
    """Return the values of the first trial that were passed as a recipe.

    Raises:
        LuthierError: for what is no mapping from names to values.

    >>> start_values({"learning_rate": 0.01})
    {'learning_rate': 0.01}
    """
    if recipe is None:
        return {}
    if isinstance(recipe, Recipe):
        return dict(recipe.model)  # what a study of an objective found
    if isinstance(recipe, Mapping):
        return {str(name): recorded(value) for name, value in recipe.items()}
    raise LuthierError(
        f"recipe={recipe!r} was given for an objective, whose parameters it names itself. "
        'Write the first trial\'s values by name: recipe={"learning_rate": 0.01}.'
    )


def _remark(numbers: list[int], finding: Finding) -> str:
    """Return what is wrong with the networks of some trials, in a line."""
    one = len(numbers) == 1
    names = ", ".join(map(str, numbers[:5])) + (" and others" if len(numbers) > 5 else "")
    return f"trial{'' if one else 's'} {names}: {finding.problem}. {finding.summary}"
