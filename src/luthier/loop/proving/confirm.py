"""Confirm: fresh seeds of winner and baseline, judged on the test part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import COSTS, Cost, History, Proof, Storage, StudyRecord, Trial, Verdict
from luthier.loop.assembly import Assembly
from luthier.loop.proving.confirming import Confirming, Rivals
from luthier.loop.proving.contributions import recipe_cost, row_contributions
from luthier.loop.proving.reserve import SHARE, affordable, least, stages
from luthier.loop.training.scoring import test_hash
from luthier.loop.working.budget import Budget
from luthier.loop.working.following import Following
from luthier.proof import (
    BETTER,
    FEWEST,
    METHOD,
    SPENT,
    UNDECIDED,
    WORSE,
    detectable_by_rows,
    judge,
    spending,
)
from luthier.proof.bootstrap import seed_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

STOPPED = "the confirmation was stopped; the same command goes on with it"


@dataclass(frozen=True)
class Confirmation:
    """The last part of a study.

    Args:
        record: What the study is about.
        storage: Where it lives.
        parts: Builder, data and framework.
        budget: Of the whole study.
        train: Has workers train what a plan wants; False where someone asked to stop.
        min_difference: What is too small to matter; None where every difference does.
        cost: Which cost decides where the difference does not matter.
        rivals: Which two are compared, instead of winner and baseline; or why there are none.
        share: Of the budget that confirms, at most.
        compute: Calls functions with parts and storage; elsewhere, where that is quicker.
        workers: How many functions are called side by side there.
        following: Who has read histories before, if anyone has.
    """

    record: StudyRecord
    storage: Storage
    parts: Assembly
    budget: Budget
    train: Callable[[Confirming], bool]
    min_difference: float | None = None
    cost: str = COSTS[0]
    rivals: Callable[[History], Rivals | str] | None = None
    share: float = SHARE
    compute: Callable[[Sequence[Callable[[Assembly, Storage], Any]]], Sequence[Any]] | None = None
    workers: int = 1
    following: Following | None = None
    # Of each training: every look asks for those of all before it, and one costs 400 scores.
    _known: dict[tuple[int, int], Array] = field(init=False, default_factory=dict)

    def run(self) -> Proof:
        """Train and look, stage by stage, until there is a verdict or the reserve is spent."""
        if reason := self._impossible(history := self.history()):
            return Proof(reason=reason)
        planned, looks = self._planned(history), 0
        if not planned:
            return self._claims_nothing(history)
        proof = Proof(reason=STOPPED)
        opened: int | None = None
        pairs: list[tuple[Trial, Trial]] | None = None
        for seeds, level in zip(planned, spending(planned), strict=True):
            plan = self.plan(history, seeds)
            trainings, epochs = plan.missing(history)
            if trainings and not self._affords(history, trainings, epochs):
                break
            if trainings and not self.train(plan):
                break
            history, looks = self.history(), looks + 1
            pairs = self._pairs(history, seeds)
            if pairs is None:
                return Proof(reason=self._incomplete(history), openings=opened or 0)
            if opened is None:
                opened = self._open(history)
            proof = self._judge(pairs, level, planned, looks, opened)
            if proof.verdict is None or proof.verdict.verdict != UNDECIDED:
                break
        if proof.verdict is None or pairs is None:
            return proof
        ((best, baseline),) = self._there([partial(_costs, self.record.name, _sides(pairs))])
        return replace(proof, best_cost=best, baseline_cost=baseline, cost=self.cost)

    def plan(self, history: History, seeds: int) -> Confirming:
        """Return what trains both with so many seeds."""
        found = None if self.rivals is None else self.rivals(history)
        return Confirming(seeds, None if isinstance(found, str) else found)

    def possible(self) -> bool:
        """Tell whether what is left of the budget pays for the first look."""
        history = self.history()
        return not self._impossible(history) and bool(self._planned(history))

    def history(self) -> History:
        """Return the study's trials as they are now."""
        return self._follower.history(self.record.name)

    @cached_property
    def _follower(self) -> Following:
        return self.following or Following(self.storage)

    def _impossible(self, history: History) -> str:
        test = self.parts.arrays.test
        if test is None or not len(test):
            return "there are no test rows to judge on"
        if history.best is None:
            return "no trial has a score"
        if self.rivals is not None:
            found = self.rivals(history)
            return found if isinstance(found, str) else ""
        if history.best.number == 0 and history.repeats:
            return "on further splits nothing that was tried beats the baseline"
        if history.best.number == 0:
            return "nothing that was tried beats the baseline on validation rows"
        return ""

    def _planned(self, history: History) -> tuple[int, ...]:
        """Return the looks that the whole budget plans, and that what is left still pays for."""
        reuse = self.rivals is None
        full = self.record.space.baseline.epochs
        found = stages(self.budget, full, share=self.share, reuse=reuse)
        looks = found if found[:1] in ((), (FEWEST,)) else (FEWEST, *found)
        paid = [n for n in looks if self._affords(history, *self.plan(history, n).missing(history))]
        return affordable(paid, float("inf"))

    def _affords(self, history: History, trainings: int, epochs: int) -> bool:
        pace = history.seconds / max(history.epochs, 1)
        spent = history.epochs + history.planned
        return (
            epochs <= self.budget.epochs - spent
            and trainings <= self.budget.trials - len(history.trials)
            and epochs * pace <= self.budget.seconds - history.seconds
        )

    def _claims_nothing(self, history: History) -> Proof:
        """Return the least that can be said: what the rows alone could have shown."""
        pair = [trial for trial in self._searched(history) if trial and trial.stored]
        reason = self._short(history)
        if len(pair) < 2:
            return Proof(reason=reason)
        opened = self._open(history)
        one, other = self._contributions(pair)
        least = detectable_by_rows(one - other)
        known = least if np.isfinite(least) else None
        return Proof(reason=reason, openings=opened, detectable=known)

    def _short(self, history: History) -> str:
        """Return why the budget does not confirm, and which would."""
        full, reuse = self.record.space.baseline.epochs, self.rivals is None
        planned = stages(self.budget, full, share=self.share, reuse=reuse)
        if not planned or self.budget.timed or self.budget.epochs == float("inf"):
            return too_little(full, reuse=reuse)
        _, missing = self.plan(history, FEWEST).missing(history)
        return searched_on(ceil(history.epochs + missing))

    def _searched(self, history: History) -> list[Trial | None]:
        """Return the trials of the search that both were chosen by."""
        found = None if self.rivals is None else self.rivals(history)
        if found is None:
            return [history.best, history.trials[0]]
        trials = history.searched.trials
        return [
            next((trial for trial in trials if trial.recipe == one.recipe), None)
            for one in (() if isinstance(found, str) else found)
        ]

    def _incomplete(self, history: History) -> str:
        failed = [t for t in history.confirming if t.state == "failed"]
        if failed:
            return f"{len(failed)} confirming trainings failed, the last: {failed[-1].cause}"
        return "the budget ended during the confirmation; more of it goes on"

    def _pairs(self, history: History, seeds: int) -> list[tuple[Trial, Trial]] | None:
        """Return the trainings of winner and baseline by seed; None where one is not complete."""
        found = []
        for one in self.plan(history, seeds).wanted(history):
            if one.trial is None or one.left or not one.trial.stored:
                return None
            if one.trial.state not in ("finished", "paused"):
                return None
            found.append(one.trial)
        return list(zip(found[::2], found[1::2], strict=True))

    def _open(self, history: History) -> int:
        """Note in the ledger that the test part is opened; return how often it was before."""
        preparation, best = self.parts.preparation, history.best or history.trials[0]
        arrays = preparation.arrays(best.recipe)
        return self.storage.opened(
            test_hash(preparation.dataset.fingerprint, arrays), self.record.name
        )

    def _judge(
        self,
        pairs: Sequence[tuple[Trial, Trial]],
        level: float,
        planned: tuple[int, ...],
        looks: int,
        opened: int,
    ) -> Proof:
        sides = _sides(pairs)
        rows = self._contributions([*sides[0], *sides[1], *self._chosen()])
        tables = [np.array(rows[: len(pairs)]), np.array(rows[len(pairs) : 2 * len(pairs)])]
        if not all(np.isfinite(table).all() for table in tables):
            return Proof(reason="a test score is no number", openings=opened)
        sign = 1.0 if self.record.direction == "maximize" else -1.0
        verdict = judge(
            sign * tables[0],
            sign * tables[1],
            level=level,
            min_difference=self.min_difference,
            seed=self.record.seed,
        )
        own = self._own()
        if own is not None:
            verdict = agreed(verdict, sign * (own[0] - own[1]))
        return Proof(
            verdict=verdict,
            seeds=tuple(trial.seed for trial, _ in pairs),
            baseline_seeds=tuple(trial.seed for _, trial in pairs),
            best=tuple(tables[0].mean(axis=1).tolist()),
            baseline=tuple(tables[1].mean(axis=1).tolist()),
            best_interval=seed_interval(tables[0].mean(axis=1)),
            baseline_interval=seed_interval(tables[1].mean(axis=1)),
            planned=planned,
            looks=looks,
            openings=opened,
            method=METHOD + SPENT,
            own=own,
        )

    def _contributions(self, trials: Sequence[Trial]) -> list[Array]:
        """Return what each test row adds to the score of each training."""
        keys = [(trial.number, trial.epochs) for trial in trials]
        new = {key: t for key, t in zip(keys, trials, strict=True) if key not in self._known}
        if new:
            count = min(self.workers, len(new))
            shares = [[*new.items()][first::count] for first in range(count)]
            found = self._there(
                [
                    partial(_contributions, self.record.name, tuple(trial for _, trial in share))
                    for share in shares
                ]
            )
            for share, rows in zip(shares, found, strict=True):
                self._known.update((key, row) for (key, _), row in zip(share, rows, strict=True))
        return [self._known[key] for key in keys]

    def _chosen(self) -> list[Trial]:
        """Return the two trainings that the search compared; none where it has not both."""
        trials = self._searched(self.history())
        known = [trial for trial in trials if trial is not None and trial.stored]
        return known if self.rivals is None and len(known) == len(trials) else []

    def _own(self) -> tuple[float, float] | None:
        """Return the test scores of the trainings that the search compared, while it has them."""
        trials = self._chosen()
        if not trials:
            return None
        first, second = (rows.mean() for rows in self._contributions(trials))
        return float(first), float(second)

    def _there(self, functions: Sequence[Callable[[Assembly, Storage], Any]]) -> Sequence[Any]:
        if self.compute is None:
            return [function(self.parts, self.storage) for function in functions]
        return self.compute(functions)


def _sides(pairs: Sequence[tuple[Trial, Trial]]) -> list[list[Trial]]:
    """Return the winner's trainings, and the baseline's."""
    return [[pair[i] for pair in pairs] for i in (0, 1)]


def _contributions(
    study: str, trials: Sequence[Trial], parts: Assembly, storage: Storage
) -> list[Array]:
    states = ((trial, storage.state(study, trial.number)) for trial in trials)
    return [
        np.full(2, np.nan) if state is None else row_contributions(parts, trial.recipe, state)
        for trial, state in states
    ]


def _costs(
    study: str, sides: Sequence[Sequence[Trial]], parts: Assembly, storage: Storage
) -> tuple[Cost, Cost]:
    """Return what winner and baseline cost."""
    states = (storage.state(study, trials[0].number) for trials in sides)
    best, baseline = (
        Cost() if state is None else recipe_cost(parts, trials, state)
        for trials, state in zip(sides, states, strict=True)
    )
    return best, baseline


def agreed(verdict: Verdict, gain: float) -> Verdict:
    """Return a verdict that claims nothing that the search's own two trainings contradict.

    One of these two is what is handed over. It makes claims rarer, and so never too frequent.

    Args:
        verdict: Of fresh trainings.
        gain: Of the winner's own training over the baseline's, on the same test rows.
    """
    against = {BETTER: gain <= 0, WORSE: gain >= 0}
    return replace(verdict, verdict=UNDECIDED) if against.get(verdict.verdict) else verdict


def searched_on(epochs: int) -> str:
    """Return why a budget that was large enough claims nothing.

    Args:
        epochs: Of a budget that would confirm what was found.

    >>> searched_on(750).partition("(")[2]
    '--budget "750 epochs" confirms it)'
    """
    return (
        "nothing had beaten the baseline when it was time to confirm, so the search had the rest "
        f'of the budget, too, and what it found then is not confirmed (--budget "{epochs} epochs" '
        "confirms it)"
    )


def too_little(full: int, *, reuse: bool = True) -> str:
    """Return why a budget claims nothing, with the epochs that would.

    Args:
        full: Epochs of a full training.
        reuse: Whether the baseline's first training counts.

    >>> too_little(60).partition("(")[2]
    '12 full trainings of 60 epochs, --budget "720 epochs", would)'
    """
    needed = least(reuse=reuse)
    return (
        f"a quarter of the budget does not train both recipes again with {FEWEST} fresh seeds "
        f'({needed} full trainings of {full} epochs, --budget "{needed * full} epochs", would)'
    )
