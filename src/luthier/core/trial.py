"""Trials, the steps that a strategy decides on, and the history it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

from luthier.core.bound import Bound
from luthier.core.curves import Curves
from luthier.core.recipe import Recipe
from luthier.core.show_html import trial_html
from luthier.core.verdict import Proof

LIVE_STATES = ("waiting", "running", "paused")
STATES = (*LIVE_STATES, "finished", "failed", "pruned")


@dataclass(frozen=True)
class Trial:
    """One recipe trained with one seed, as far as it went.

    Args:
        number: Its place in the study, counted from 0.
        recipe: What is trained.
        seed: Decides initial weights, data order and masks.
        state: waiting, running, paused, finished, failed or pruned.
        engine: Name of the engine that trains it, fixed before its first epoch.
        curves: The epochs so far.
        cause: Why it failed or was pruned.
        parent: (trial, epoch) that its first epochs and its weights were copied from.
        resumable: Whether it can go on after a pause.
        until: The epoch that a step which waits or runs takes it to; 0 where there is none.
        stored: Whether its checkpoint is in the storage.
        changed: The storage's count of changes when it last changed.
        purpose: ``search``; ``repeat`` for a finalist on another split of training and validation
            rows, which its seed draws; or ``confirm`` for a fresh seed of winner or baseline.
    """

    number: int
    recipe: Recipe
    seed: int
    state: str = "waiting"
    engine: str = ""
    curves: Curves = field(default_factory=Curves)
    cause: str | None = None
    parent: tuple[int, int] | None = None
    resumable: bool = True
    until: int = 0
    stored: bool = False
    changed: int = 0
    purpose: str = "search"

    @cached_property
    def epochs(self) -> int:
        """How many epochs it was trained for."""
        return len(self.curves)  # asked of every trial at every decision

    @property
    def copied(self) -> int:
        """How many of them are its parent's: they were trained once, and count there."""
        return 0 if self.parent is None else self.parent[1]

    @property
    def planned(self) -> int:
        """How many more epochs its step has it train."""
        return max(self.until - self.epochs, 0)

    def _repr_html_(self) -> str:
        return trial_html(self)


@dataclass(frozen=True)
class Step:
    """A decision: this trial, or a new one of this recipe, goes on to this absolute epoch.

    Args:
        until: The epoch to reach, counted from the trial's beginning.
        trial: Number of the trial that goes on; None asks for a new one.
        recipe: What the new trial trains; None for a trial that goes on.
        seed: The new trial's seed.
        parent: (trial, epoch) whose epochs and state the new trial starts from. Its recipe must
            be the parent's but for `changes` from that epoch on, so that the same comes of it as
            of a training from the beginning.
        purpose: The new trial's.
    """

    until: int
    trial: int | None = None
    recipe: Recipe | None = None
    seed: int = 0
    parent: tuple[int, int] | None = None
    purpose: str = "search"


@dataclass(frozen=True)
class History:
    """The trials of a study at one moment: all that strategies and study rules read.

    Args:
        trials: In the order of their numbers.
        metric: The metric that decides.
        direction: ``minimize`` or ``maximize``.
        decisions: How many decisions were taken.
        seed: The study's seed.
        changed: The storage's count of changes, for asking what came since.
        seconds: Time spent on the study.
        epochs_left: Epochs that the budget still allows; for a budget in time, about how many.
        trials_left: New trials that the budget still allows.
        setup: Seconds that a structure costs which no trial has had, where time is what the
            budget counts; 0 where it does not, or nothing is compiled.
        reads_rates: Whether programs read a network's own numbers with a decimal point as they
            run, rates of dropout say, so that another one makes no other structure.
        proof: What confirming the winner came to, for study rules; None while the search runs.
        stops: How often someone asked all workers to stop. Whoever began before the last time ends.
        bounds: What other metrics have to reach for a trial to win.
        earlier: Trials of studies before this one, on the same data and of another length, which
            stands in their recipes. They tell strategies where to look, and win nothing.
    """

    trials: tuple[Trial, ...] = ()
    metric: str = "val_loss"
    direction: str = "minimize"
    decisions: int = 0
    seed: int = 0
    changed: int = 0
    seconds: float = 0.0
    epochs_left: float = float("inf")
    trials_left: float = float("inf")
    setup: float = 0.0
    reads_rates: bool = False
    proof: Proof | None = None
    stops: int = 0
    bounds: tuple[Bound, ...] = ()
    earlier: tuple[Trial, ...] = ()

    def merge(self, newer: History) -> History:
        """Return this history brought up to date with the trials that changed since."""
        trials = list(self.trials)
        for trial in newer.trials:
            if trial.number < len(trials) and trials[trial.number].number == trial.number:
                trials[trial.number] = trial
            else:
                trials.append(trial)
        if len(trials) > len(self.trials):
            trials = sorted({trial.number: trial for trial in trials}.values(), key=_number)
        return replace(newer, trials=tuple(trials))

    def score(self, trial: Trial, epochs: int | None = None) -> float | None:
        """Return a trial's best score so far, or within its first epochs."""
        return trial.curves.score(self.metric, self.direction, epochs)

    def loss(self, trial: Trial, epochs: int | None = None) -> float:
        """Return a trial's score so that lower is better; infinite for a failed trial."""
        if epochs is not None:
            return self._loss(trial, epochs)
        # Rankings ask for it again and again, and a page of ten thousand trials draws thirty.
        known = self._losses.get(id(trial))
        if known is None or known[0] is not trial:
            known = self._losses[id(trial)] = trial, self._loss(trial, None)
        return known[1]

    @cached_property
    def _losses(self) -> dict[int, tuple[Trial, float]]:
        return {}

    def _loss(self, trial: Trial, epochs: int | None) -> float:
        score = self.score(trial, epochs)
        if score is None or trial.state == "failed":
            return float("inf")
        return score if self.direction == "minimize" else -score

    def steady(self, trial: Trial) -> float:
        """Return what trials are chosen by: the loss around the best epoch, infinite if failed.

        Its own epoch flatters whatever has the noisier curve (`Curves.steady`).
        """
        value = trial.curves.steady(self.metric, self.direction)
        if value is None or trial.state == "failed":
            return float("inf")
        return value if self.direction == "minimize" else -value

    def excess(self, trial: Trial) -> float:
        """Return by how much a trial's kept epoch breaks the bounds; 0 where it keeps them all.

        Each bound counts as a share of its value; infinite where a metric was not measured.
        """
        if not self.bounds:
            return 0.0
        epoch = trial.curves.best_epoch(self.metric, self.direction)
        total = 0.0
        for bound in self.bounds:
            series = trial.curves.metrics.get(bound.name, ())
            value = series[epoch - 1] if epoch and epoch <= len(series) else math.nan
            total += bound.excess(value) / max(abs(bound.value), 1e-12)
        return total

    def rank(self, trial: Trial) -> tuple[float, float, int]:
        """Return what trials are ordered by, the best first: bounds, then `steady`, then age."""
        return self.excess(trial), self.steady(trial), trial.number

    @cached_property
    def searched(self) -> History:
        """The same without trainings that confirm: what chooses a recipe may not see those."""
        trials = tuple(trial for trial in self.trials if trial.purpose == "search")
        return self if len(trials) == len(self.trials) else replace(self, trials=trials)

    @cached_property
    def confirming(self) -> tuple[Trial, ...]:
        """The trainings that confirm."""
        return tuple(trial for trial in self.trials if trial.purpose == "confirm")

    @cached_property
    def repeating(self) -> tuple[Trial, ...]:
        """The finalists' trainings on other splits: they choose among them."""
        return tuple(trial for trial in self.trials if trial.purpose == "repeat")

    @cached_property
    def repeats(self) -> dict[Recipe, tuple[float, ...]]:
        """The finalists' losses on other splits, as many of each; empty until all have one."""
        groups: dict[Recipe, list[Trial]] = {}
        for trial in self.repeating:
            groups.setdefault(trial.recipe, []).append(trial)
        ended = {
            recipe: [t for t in trials if not t.planned and t.state not in ("waiting", "running")]
            for recipe, trials in groups.items()
        }
        count = min((len(trials) for trials in ended.values()), default=0)
        return {
            recipe: tuple(self.steady(trial) for trial in sorted(trials, key=_seed)[:count])
            for recipe, trials in ended.items()
            if count
        }

    @cached_property
    def best(self) -> Trial | None:
        """The trial that did best around its best epoch, the first among equals.

        Failed ones never are, nor those that confirm: fresh seeds choose nothing. Where finalists
        were trained on other splits, too, it is the one with the best mean over those: the split
        that made them finalists flatters each.
        """
        if self.repeats:
            chosen = min(self.repeats, key=self._repeated)
            return next(t for t in self.searched.trials if t.recipe == chosen)
        return min(
            (trial for trial in self.searched.trials if self.loss(trial) != float("inf")),
            key=self.rank,
            default=None,
        )

    def _repeated(self, recipe: Recipe) -> tuple[float, float]:
        """Return what finalists are ordered by: bounds over all splits, then the mean loss."""
        ours = [trial for trial in self.trials if trial.recipe == recipe] if self.bounds else []
        count = len(self.repeats[recipe])
        first = [trial for trial in ours if trial.purpose == "search"][:1]
        again = sorted((t for t in ours if t.purpose == "repeat"), key=_seed)[:count]
        return sum(map(self.excess, first + again)), sum(self.repeats[recipe])

    @cached_property
    def epochs(self) -> int:
        """All epochs trained, of failed and pruned trials too."""
        copied = sum(trial.copied for trial in self.trials if trial.parent is not None)
        return sum(trial.epochs for trial in self.trials) - copied

    @cached_property
    def planned(self) -> int:
        """Epochs that steps which wait or run will take."""
        return sum(trial.planned for trial in self.trials if trial.until)

    def counts(self) -> dict[str, int]:
        """Return the number of trials in each state."""
        states = [trial.state for trial in self.trials]
        return {state: states.count(state) for state in STATES}


def _seed(trial: Trial) -> int:
    return trial.seed


def _number(trial: Trial) -> int:
    return trial.number
