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
    Float,
    History,
    Int,
    LuthierError,
    Pruned,
    Recipe,
    Space,
    Step,
    Storage,
    StudyRecord,
    Value,
)
from luthier.core.keys import MASK, bits, fold
from luthier.loop.budget import Budget
from luthier.loop.interrupt import Stop, interruptible
from luthier.loop.study import Study
from luthier.loop.worker import LEASE, check_hope, release_dead, worker_name
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


def tune_objective(
    objective: Callable[[ObjectiveTrial], float],
    direction: str,
    budget: Budget,
    storage: Storage,
    name: str,
    seed: int,
    notify: Callable[[History], None] | None,
) -> Study:
    """Call an objective with one trial after another until the budget is spent.

    Raises:
        LuthierError: when trial after trial ends before its first epoch.
    """
    space = Space({}, Recipe(network="objective"))
    record = StudyRecord(name, "value", direction, space, seed=seed, about={"task": "objective"})
    storage.open(record)
    release_dead(storage, name)
    with interruptible() as stop:
        try:
            _work(objective, record, storage, budget, stop, notify or (lambda history: None))
        finally:
            storage.release(name, worker_name(0))
    return Study(record, storage)


def _work(
    objective: Callable[[ObjectiveTrial], float],
    record: StudyRecord,
    storage: Storage,
    budget: Budget,
    stop: Stop,
    notify: Callable[[History], None],
) -> None:
    me, name, hopeless = worker_name(0), record.name, 0
    while not stop.asked:
        history = storage.history(name)
        notify(budget.left(history))
        if budget.spent(history):
            return
        claim = storage.claim(name, me, LEASE)
        if claim is None:
            until = int(min(1_000_000, budget.epochs - history.epochs))
            new = Step(until, recipe=record.space.baseline, seed=record.seed)
            steps = budget.afford([new], history)
            if not steps:
                return
            storage.plan(name, history.decisions, steps, resumable=False)
        elif claim.trial.epochs or claim.trial.engine:
            # It was begun by a worker that died, and an objective cannot go on in its middle.
            storage.finish(name, claim, "failed", "interrupted")
        else:
            storage.assign(name, claim.trial.number, "objective")
            epochs, cause = _try(objective, record, storage, claim, history)
            hopeless = 0 if epochs else hopeless + 1
            check_hope(hopeless, cause)


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
