"""A loop of the user's own: objectives in Optuna's vocabulary."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from luthier.core import (
    Categorical,
    Claim,
    Curves,
    Executor,
    Float,
    History,
    Int,
    LuthierError,
    Pruned,
    Recipe,
    Space,
    Step,
    Stop,
    Storage,
    StudyRecord,
    Value,
    nothing,
)
from luthier.core.keys import MASK, bits, fold
from luthier.loop.budget import Budget
from luthier.loop.overseer import Overseer
from luthier.loop.study import Study
from luthier.loop.worker import LEASE, alive, check_hope, worker_name
from luthier.search.median import below_median

_SERIES = ("train_loss", "train_loss_eval", "penalty", "val_loss", "learning_rate")


@dataclass(eq=False)
class ObjectiveTrial:
    """What an objective asks for values and tells its progress.

    Args:
        number: Place in the study, counted from 0.
        history: The other trials.
        store: Called with finished epochs and the parameters so far.
    """

    number: int
    history: History
    store: Callable[[list[dict[str, Any]], dict[str, Value]], None]
    params: dict[str, Value] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list, repr=False)
    _told: int = 0

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a value for a real parameter; the same one when asked again."""
        return float(self._suggest(name, Float(low, high, log)))  # type: ignore[arg-type]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a value for a whole parameter; the same one when asked again."""
        return int(self._suggest(name, Int(low, high, log, step)))  # type: ignore[arg-type]

    def suggest_categorical(self, name: str, choices: list[Any] | tuple[Any, ...]) -> Any:
        """Return one of some values; the same one when asked again."""
        return self._suggest(name, Categorical(*choices))

    def _suggest(self, name: str, domain: Float | Int | Categorical) -> Value:
        if name not in self.params:
            drawn = bits(fold(self.history.seed, self.number, zlib.crc32(name.encode())), 0)
            self.params[name] = domain.at(drawn / (MASK + 1))
        elif self.params[name] not in domain:
            raise LuthierError(
                f"parameter '{name}' was {self.params[name]!r} within this trial, which does not "
                f"lie in {domain}. Ask with the same range each time."
            )
        return self.params[name]

    def report(self, value: float, step: int | None = None, **series: float) -> None:
        """Tell how the trial does after an epoch.

        Args:
            value: What is to be minimised or maximised.
            step: Number of the epoch from 0; by default the next one.
            series: More of it, such as ``train_loss=0.3``.
        """
        if step is not None and step < len(self._rows):
            return  # a loop that goes on from its own checkpoint reports epochs again
        row: dict[str, Any] = {k: float(v) for k, v in series.items() if k in _SERIES}
        others = {k: float(v) for k, v in series.items() if k not in _SERIES}
        row["metrics"] = {"value": math.nan, "reported": float(value), **others}
        row["signals"] = {}
        self._rows.append(row)
        # The last row is held back: it gets the value that the objective returns.
        if len(self._rows) - 1 > self._told:
            self.store(self._rows[self._told : -1], self.params)
            self._told = len(self._rows) - 1

    def should_prune(self) -> bool:
        """Tell whether the trial does worse than half of the others did at this point."""
        return below_median(self.history, self.number, self._reported())

    def end(self, value: float | None) -> None:
        """Store what is left, with the value that the objective returned."""
        if value is not None and not self._rows:
            self._rows.append({"metrics": {"value": 0.0, "reported": value}, "signals": {}})
        if self._rows:
            self._rows[-1]["metrics"]["value"] = math.nan if value is None else value
        self.store(self._rows[self._told :], self.params)

    @property
    def epochs(self) -> int:
        """How many epochs it reported."""
        return len(self._rows)

    def _reported(self) -> tuple[float, ...]:
        return tuple(row["metrics"]["reported"] for row in self._rows)


@dataclass(frozen=True, eq=False)
class ObjectiveWork:
    """What the workers of an objective do, in a form that can go to another process.

    Args:
        objective: Trains one trial, and returns its score.
        study: What the study is about.
        storage: Where it lives.
        budget: When to end.
        notify: Called with the history by a worker of this process; it stays here.
    """

    objective: Callable[[ObjectiveTrial], float]
    study: StudyRecord
    storage: Storage
    budget: Budget
    notify: Callable[[History], None] = nothing

    def __reduce__(self) -> tuple[Any, ...]:
        return ObjectiveWork, (self.objective, self.study, self.storage, self.budget)

    def __call__(self, index: int, stop: Stop) -> tuple[str, ...]:
        """Work until the budget is spent, or someone asks to stop."""
        me, name, hopeless = worker_name(index), self.study.name, 0
        with alive(self.storage, name, me):
            while not stop.asked:
                history = self.storage.history(name)
                self.notify(self.budget.left(history))
                if self.budget.spent(history):
                    break
                claim = self.storage.claim(name, me, LEASE)
                if claim is None:
                    if not self._plan(history):
                        break
                elif claim.trial.epochs or claim.trial.engine:
                    # A worker that died began it, and an objective cannot go on in its middle.
                    self.storage.finish(name, claim, "failed", "interrupted")
                else:
                    self.storage.assign(name, claim.trial.number, "objective")
                    epochs, cause = _try(self.objective, self.study, self.storage, claim, history)
                    hopeless = 0 if epochs else hopeless + 1
                    check_hope(hopeless, cause)
        return ()

    def _plan(self, history: History) -> bool:
        """Plan one more trial; tell whether the budget pays for it."""
        # How many epochs it will report, the objective alone knows: one is the least.
        new = Step(1, recipe=self.study.space.baseline, seed=self.study.seed)
        steps = self.budget.afford([new], history)
        if steps:
            self.storage.plan(self.study.name, history.decisions, steps, resumable=False)
        return bool(steps)


def tune_objective(work: ObjectiveWork, executor: Executor, workers: int) -> Study:
    """Call an objective with one trial after another until the budget is spent.

    Raises:
        LuthierError: when trial after trial ends before its first epoch.
    """
    work.storage.open(work.study)
    overseer = Overseer(work.study.name, work.storage, work.budget, work.notify)
    overseer.run(executor, work, workers)
    return Study(work.study, work.storage)


def objective_record(name: str, direction: str, seed: int) -> StudyRecord:
    """Return what a study of an objective is about: its space shows as it runs."""
    space = Space({}, Recipe(network="objective"))
    return StudyRecord(name, "value", direction, space, seed=seed, about={"task": "objective"})


def _try(
    objective: Callable[[ObjectiveTrial], float],
    record: StudyRecord,
    storage: Storage,
    claim: Claim,
    history: History,
) -> tuple[int, str | None]:
    """Run one trial; whatever it raises is recorded with it, but for a wish to stop.

    Returns:
        How many epochs it came to, and why it failed or was pruned.
    """
    name, began = record.name, time.monotonic()

    def store(rows: list[dict[str, Any]], params: dict[str, Value]) -> None:
        nonlocal began
        now = time.monotonic()
        model = {key: _recorded(value) for key, value in params.items()}
        recipe = Recipe(network="objective", model=model)
        storage.revise(name, claim.trial.number, recipe)
        storage.advance(name, claim, Curves.from_epochs(rows), None, seconds=now - began)
        began = now

    trial = ObjectiveTrial(claim.trial.number, history, store)
    state, cause, value = "finished", None, None
    try:
        value = float(objective(trial))
        if not math.isfinite(value):
            state, cause = "failed", f"nan_loss: the objective returned {value}"
    except Pruned:
        state, cause = "pruned", "the objective ended it"
    except Exception as error:
        state, cause = "failed", f"{type(error).__name__}: {error}"
    trial.end(value if state == "finished" else None)
    storage.finish(name, claim, state, cause)
    return trial.epochs, cause


def _recorded(value: Any) -> Value:
    """Return a choice as a recipe can hold it: a class by its name, a tuple as text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(getattr(value, "__name__", value))
