"""From a claimed step to a training on an engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from luthier.core import (
    MEASURED,
    Arrays,
    Build,
    Captured,
    Claim,
    Curves,
    Engine,
    Framework,
    LuthierError,
    MissingExtraError,
    Recipe,
    Signature,
    State,
    nothing,
)
from luthier.loop.limits import Limits
from luthier.loop.preparation import Preparation
from luthier.loop.training.choice import Choice


class TrialError(Exception):
    """What ended one trial; the study goes on."""


@dataclass(frozen=True, eq=False)
class Made:
    """A claimed trial, ready for an engine.

    Args:
        claim: The trial.
        segment: Its recipe at the epoch where it goes on.
        arrays: Its data.
        captured: Its network.
        costs: What that costs, if anyone wants to know.
    """

    claim: Claim
    segment: Recipe
    arrays: Arrays
    captured: Captured
    costs: dict[str, float]

    @property
    def signature(self) -> Signature:
        """What trials share that may train side by side: rates are computed outside."""
        return replace(self.captured.signature, schedule="")


@dataclass
class Trainer:
    """Trains trials of one study: same builder, same data.

    Args:
        build: Makes the networks.
        preparation: Gives the arrays that a recipe's preprocessing asks for.
        framework: The networks' framework.
        choice: Chooses what trains them.
        limits: What their networks may cost, and what of that is to be measured.
    """

    build: Build
    preparation: Preparation
    framework: Framework
    choice: Choice
    limits: Limits = field(default_factory=Limits)
    # Seconds an epoch of the last trial took, by what trials like it share.
    _paces: dict[object, float] = field(default_factory=dict, init=False, repr=False)

    def place(self, claim: Claim) -> TrialRun:
        """Put a claimed trial on its engine, from its checkpoint if it has one.

        Raises:
            TrialError: when its network cannot be built or trained.
            LuthierError: when the trial belongs to another engine.
        """
        made = self.made(claim)
        return self.seat(made, self.assigned(made))

    def made(self, claim: Claim) -> Made:
        """Return a claimed trial with its network and its data.

        Raises:
            TrialError: when its network cannot be built.
        """
        trial = claim.trial
        with trial_errors():
            segment = trial.recipe.at(trial.epochs)
            arrays, captured = self._captured(segment, trial.seed, trial.purpose)
            costs = self._costs(captured, arrays, trial.curves)
            return Made(claim, segment, arrays, captured, costs)

    def assigned(self, made: Made) -> Engine:
        """Return the engine of a trial; with its first epochs it is fixed.

        Raises:
            TrialError: when its network cannot be trained.
            LuthierError: when the trial belongs to another engine.
        """
        trial, epochs = made.claim.trial, made.claim.until - made.claim.trial.epochs
        if trial.engine:
            self.choice.check(trial.engine, trial.number)
        with trial_errors():
            name = trial.engine or self.choice.name(
                made.captured, made.arrays, made.segment, trial.seed, epochs=epochs
            )
            return self.choice.engine(name)

    def foresee(self, recipe: Recipe, seed: int) -> None:
        """Choose what trains a recipe's structure before there is a trial of it.

        What is wrong with it, its first trial tells.
        """
        with suppress(TrialError), trial_errors():
            segment = recipe.at(0)
            arrays, captured = self._captured(segment, seed)
            self.choice.name(captured, arrays, segment, seed, epochs=recipe.epochs)

    def seat(self, made: Made, engine: Engine, slot: int = 0) -> TrialRun:
        """Put a trial in a slot of its engine, where its checkpoint or its beginning has it.

        Raises:
            TrialError: when its network cannot be trained.
        """
        claim, captured, arrays = made.claim, made.captured, made.arrays
        trial = claim.trial
        with trial_errors():
            self._put(engine, captured, arrays, trial.seed, claim.state, slot)
        run = self._run(engine, captured, arrays, captured.recipe, claim.until, trial.curves)
        run.costs, run.limits, run.slot = made.costs, self.limits, slot
        return self._changing(run, trial.recipe, trial.seed, trial.purpose)

    def start(
        self,
        recipe: Recipe,
        seed: int,
        until: int,
        curves: Curves | None = None,
        state: State | None = None,
    ) -> TrialRun:
        """Put a recipe on an engine, at its beginning or where a state was taken.

        Raises:
            TrialError: when its network cannot be built or trained.
        """
        with trial_errors():
            done = len(curves or ())
            segment = recipe.at(done)
            arrays, captured = self._captured(segment, seed)
            name = self.choice.name(captured, arrays, segment, seed, epochs=until - done)
            engine = self.choice.engine(name)
            self._put(engine, captured, arrays, seed, state)
        run = self._run(engine, captured, arrays, captured.recipe, until, curves or Curves())
        return self._changing(run, recipe, seed, "search")

    def _changing(self, run: TrialRun, recipe: Recipe, seed: int, purpose: str) -> TrialRun:
        """Have a training put on anew, its state kept, wherever its recipe changes."""

        def change(epoch: int) -> None:
            state = run.engine.take(run.slot)
            arrays, captured = self._captured(recipe.at(epoch), seed, purpose)
            self._put(run.engine, captured, arrays, seed, state, run.slot)

        run.turns, run.change = tuple(epoch for epoch, _ in recipe.changes), change
        return run

    def _captured(
        self, recipe: Recipe, seed: int, purpose: str = "search"
    ) -> tuple[Arrays, Captured]:
        # A repeat's seed draws its split as well: see docs/adr on small data.
        repeat = purpose == "repeat"
        preparation = self.preparation.again(seed) if repeat else self.preparation
        arrays = preparation.arrays(recipe)
        return arrays, self.framework.capture(self.build, recipe, arrays, seed)

    def _costs(self, captured: Captured, arrays: Arrays, curves: Curves) -> dict[str, float]:
        """Return what a network costs, where anyone wants to know; measured once.

        Raises:
            TrialError: where that is over a limit.
        """
        if not self.limits:
            return {}
        if len(curves):
            known = curves.epoch(len(curves) - 1)["signals"]
            return {name: known[name] for name in MEASURED if name in known}
        costs = self.limits.measured(self.framework, self.build, captured, arrays)
        if (over := self.limits.passed(costs)) is not None:
            raise TrialError(over)
        return costs

    def _put(
        self,
        engine: Engine,
        captured: Captured,
        arrays: Arrays,
        seed: int,
        state: State | None,
        slot: int = 0,
    ) -> None:
        recipe = captured.recipe  # a builder's own arguments may decide some of its keys
        reason = engine.refuses(captured, recipe)
        if reason is not None:
            raise TrialError(f"{engine.name} cannot train it: {reason}")
        engine.open(captured, arrays)
        engine.put(slot, recipe, seed, state or captured.initial)

    def _run(
        self,
        engine: Engine,
        captured: Captured,
        arrays: Arrays,
        recipe: Recipe,
        until: int,
        curves: Curves,
    ) -> TrialRun:
        goal = (arrays.task.metric, arrays.task.direction)
        alike = (engine.name, captured.signature)

        def spend(epochs: int, seconds: float) -> None:
            self._paces = {alike: seconds / max(epochs, 1)}
            self.choice.spend(engine, captured, arrays, epochs, seconds)

        # What is too slow for a limit is seen after few epochs.
        pace = None if self.limits else self._paces.get(alike)
        return TrialRun(engine, recipe, goal, until, curves, spend, pace=pace)


@dataclass
class TrialRun:
    """One trial on an engine, a few epochs at a time.

    Args:
        engine: What trains it.
        recipe: What is trained.
        goal: Name and direction of the metric that decides.
        until: The epoch to reach.
        curves: The epochs so far.
        spend: Told how many epochs took how many seconds.
        costs: Of the network, stored with each epoch.
        limits: That may end it.
        turns: The epochs after which its recipe changes.
        change: Told such an epoch, has the engine go on with what holds from there.
        slot: Where on the engine it is.
        pace: Seconds that an epoch took of the last trial like it, if there was one.
    """

    engine: Engine
    recipe: Recipe
    goal: tuple[str, str]
    until: int
    curves: Curves
    spend: Callable[[int, float], None]
    costs: Mapping[str, float] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    turns: tuple[int, ...] = ()
    change: Callable[[int], None] = nothing
    slot: int = 0
    pace: float | None = None
    told: int = field(init=False)
    began: int = field(init=False)

    def __post_init__(self) -> None:
        self.told = self.began = len(self.curves)

    def epoch(self) -> None:
        """Train one epoch.

        Raises:
            TrialError: when the network or the machine gives up.
        """
        self._train(1)

    def advance(self, *, seconds: float = 0.2) -> None:
        """Train one epoch, or as many as fit into a moment; never beyond where the trial ends.

        Args:
            seconds: How long nothing may be heard: short for a person, and long for an engine
                that is faster when it is asked for several epochs at once.

        Raises:
            TrialError: when the network or the machine gives up.
        """
        done = len(self.curves)
        taken = self.curves.seconds[-1] if done > self.began else self.pace or seconds
        self._train(max(1, min(int(seconds / max(taken, 1e-6)), self.ahead)))

    @property
    def ahead(self) -> int:
        """How many epochs may be trained before it could end."""
        done = len(self.curves)
        if self.recipe.early_stopping is None:
            return self.until - done
        best = self.curves.best_epoch(*self.goal) or 0
        return min(self.until - done, self.recipe.early_stopping - (done - best))

    def _train(self, epochs: int) -> None:
        done = len(self.curves)
        turn = next((epoch for epoch in self.turns if epoch > done), None)
        until = done + epochs if turn is None else min(done + epochs, turn)
        with trial_errors():
            new = self.engine.run({self.slot: until})[self.slot]
            self.grow(new)
            if len(self.curves) == turn and turn < self.until and self.curves.finite:
                self.change(turn)

    def grow(self, new: Curves) -> None:
        """Take note of epochs that its engine has trained."""
        self.spend(len(new), sum(new.seconds))
        self.curves += new

    def news(self, *, kept: bool = True) -> tuple[Curves, State | None]:
        """Return the epochs since the last call, and the state after them if it is to be kept."""
        rows = [self.curves.epoch(index) for index in range(self.told, len(self.curves))]
        for row in rows:
            row["signals"] = {**row["signals"], **self.costs}
        self.told = len(self.curves)
        return Curves.from_epochs(rows), self.engine.take(self.slot) if kept else None

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to train in this step."""
        return bool(
            len(self.curves) >= self.until or self.stopped_early or self.diverged or self.over
        )

    @property
    def seconds_left(self) -> float:
        """About how long the rest of this step takes, at the last epoch's pace."""
        return (self.until - len(self.curves)) * (self.curves.seconds or (0.0,))[-1]

    @property
    def diverged(self) -> bool:
        """Whether the last epoch's losses are no numbers."""
        return len(self.curves) > 0 and not self.curves.finite

    @property
    def stopped_early(self) -> bool:
        """Whether the best epoch lies further back than the recipe's patience."""
        patience, best = self.recipe.early_stopping, self.curves.best_epoch(*self.goal)
        return patience is not None and len(self.curves) - (best or 0) >= patience

    @property
    def over(self) -> str | None:
        """In words, which limit the training is over; None where it keeps all."""
        return self.limits.too_slow(self.curves, self.recipe)

    def outcome(self) -> tuple[str, str | None]:
        """Return the trial's state after this step, and the cause of a failure."""
        if self.over is not None:
            return "failed", self.over
        if self.diverged:
            return "failed", f"nan_loss: the loss is not a number after epoch {len(self.curves)}"
        done = len(self.curves) >= self.recipe.epochs or self.stopped_early
        return ("finished" if done else "paused"), None


@contextmanager
def trial_errors() -> Iterator[None]:
    """Turn whatever a network, a builder or the machine raises into the trial's cause."""
    try:
        yield
    except (TrialError, MissingExtraError):
        raise
    except (Exception, SystemExit) as error:
        raise TrialError(_cause(error)) from error


def _cause(error: BaseException) -> str:
    """Return what ended a trial: its kind, and what was said."""
    raised = (error, error.__cause__)
    if any(isinstance(one, MemoryError) for one in raised) or "allocate memory" in str(error):
        return f"out_of_memory: {error}"
    return str(error) if isinstance(error, LuthierError) else f"{type(error).__name__}: {error}"
