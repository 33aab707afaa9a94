"""The live trial of an objective: it is asked for values, is told progress, keeps state."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier import frameworks
from luthier.core import (
    Categorical,
    Curves,
    Finding,
    Float,
    History,
    Int,
    LuthierError,
    State,
    Value,
    nothing,
)
from luthier.core.keys import MASK, bits, fold
from luthier.loop.objective.asked import recorded
from luthier.loop.watching.watch import Watch
from luthier.search.median import below_median

_SERIES = ("train_loss", "train_loss_eval", "penalty", "val_loss", "learning_rate")
KEEP_EVERY = 1.0  # seconds of training that a kill may cost, as with networks that luthier trains
Store = Callable[[list[dict[str, Any]], State | None], None]


@dataclass(eq=False)
class ObjectiveTrial:
    """What an objective asks for values and tells its progress.

    Args:
        number: Place in the study, counted from 0.
        history: The other trials.
        store: Called with finished epochs, and with the state after them where there is one.
        proposed: Values that were decided on; what is not there is drawn.
        before: The epochs of earlier pieces of this trial.
        state: What `watch` restores: the state after those.
        until: Reports after which the trial pauses, if it can; None has it train to its end.
        full: Reports of a full training, where that is known: who got there is left to return.
        folder: Where `checkpoint_dir` is.
        stop: Tells whether someone asked to stop.

    Attributes:
        params: The values so far, by name.
        asked: The ranges so far, by name.
        resumable: Whether the objective can go on where it paused: it asked for `checkpoint_dir`,
            or has its network watched.
        pausing: Whether `should_prune` said yes to have it go on later.
    """

    number: int
    history: History
    store: Store
    proposed: dict[str, Value] = field(default_factory=dict)
    before: Curves = field(default_factory=Curves)
    state: State | None = None
    until: int | None = None
    full: int | None = None
    folder: Path | None = None
    stop: Callable[[], bool] = field(default=bool, repr=False)
    params: dict[str, Any] = field(default_factory=dict, init=False)
    asked: dict[str, Float | Int | Categorical] = field(default_factory=dict, init=False)
    resumable: bool = field(default=False, init=False)
    pausing: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._rows: list[dict[str, Any]] = self.before.epochs()
        self._began = self._told = len(self._rows)
        self._step = (
            int(self._rows[-1]["signals"].get("step", self._told - 1)) if self._rows else -1
        )
        self._kept: tuple[int, State] | None = None
        self._keeper: frameworks.Keeper | None = None
        self._watch: Watch | None = None
        self._clock = -math.inf
        self._start = self._step + 1

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a value for a real parameter; the same one when asked again."""
        return float(self._suggest(name, Float(low, high, log)))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a value for a whole parameter; the same one when asked again."""
        return int(self._suggest(name, Int(low, high, log, step)))

    def suggest_categorical(self, name: str, choices: list[Any] | tuple[Any, ...]) -> Any:
        """Return one of some values; the same one when asked again."""
        return self._suggest(name, Categorical(*choices))

    def _suggest(self, name: str, domain: Float | Int | Categorical) -> Any:
        if name not in self.params:
            self.asked[name] = domain
            self.params[name] = self._decided(name, domain)
        elif self.params[name] not in domain:
            raise LuthierError(
                f"parameter '{name}' was {self.params[name]!r} within this trial, which does not "
                f"lie in {domain}. Ask with the same range each time."
            )
        return self.params[name]

    def _decided(self, name: str, domain: Float | Int | Categorical) -> Any:
        """Return what was decided for a parameter, if that lies in its range; else draw."""
        if name in self.proposed:
            value = self.proposed[name]
            if isinstance(domain, Categorical):
                for choice in domain.choices:
                    if recorded(choice) == value and type(recorded(choice)) is type(value):
                        return choice
            elif value in domain:
                return value
        drawn = bits(fold(self.history.seed, self.number, zlib.crc32(name.encode())), 0)
        return domain.at(drawn / (MASK + 1))

    @property
    def checkpoint_dir(self) -> Path:
        """A folder of this trial's own, the same one whenever it goes on.

        An objective that asks for it says that it can: it saves its state there before each
        `report`, and begins at `start_step` from what it finds.

        Raises:
            LuthierError: where the study has no place for it.
        """
        if self.folder is None:
            raise LuthierError(
                "this trial has no folder: it was made without a study. Call the objective "
                "through luthier.tune(objective, ...)."
            )
        self.resumable = True
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    @property
    def start_step(self) -> int:
        """The step to begin with: 0, or the one after the last that was reported and kept."""
        return self._start

    def watch(self, model: Any, optimizer: Any = None, *others: Any, loss_fn: Any = None) -> None:
        """Keep a network's state, so that the trial can pause, and see what is wrong with it.

        Call it right before the loop. Where the trial goes on, network, optimizer and all others
        are given the state that they had, and so are the generators of random numbers.

        Args:
            model: A network of PyTorch or Keras.
            optimizer: What trains it.
            others: What else has a state: a schedule, a scaler, a second network.
            loss_fn: As for `luthier.watch`; PyTorch only.

        Raises:
            WatchError: for what has no state to keep.
        """
        things = [one for one in (model, optimizer, *others) if one is not None]
        self._keeper = frameworks.keeper(things)
        self.resumable = True
        if self.state is not None and self.state.arrays:
            self._keeper.restore(self.state)
        elif optimizer is not None and not self._began and self._keeper.watched:
            # What began in the middle looks like a loss that does not fall.
            eyes = frameworks.watcher(model, optimizer, loss_fn)
            self._watch = Watch(eyes, live=False, notify=nothing)
            self._watch.begin()

    def report(self, value: float, step: int | None = None, **series: float) -> None:
        """Tell how the trial does after an epoch, or after some steps.

        Args:
            value: What is to be minimised or maximised.
            step: Number of the epoch or step from 0; by default the next one. Trials are compared
                by how often they reported, so report at the same steps in each.
            series: More of it, such as ``train_loss=0.3``.
        """
        if step is not None and step <= self._step:
            return  # a loop that goes on from its own checkpoint reports epochs again
        self._step = self._step + 1 if step is None else int(step)
        row: dict[str, Any] = {k: float(v) for k, v in series.items() if k in _SERIES}
        others = {k: float(v) for k, v in series.items() if k not in _SERIES}
        row["metrics"] = {"value": math.nan, "reported": float(value), **others}
        row["signals"] = {} if self._step == len(self._rows) else {"step": float(self._step)}
        self._rows.append(row)
        if self._watch is not None:
            self._watch.add({**series, "reported": float(value)})
        # The last row is held back: it gets the value that the objective returns.
        self._tell(len(self._rows) - 1)
        if self.resumable and time.monotonic() - self._clock >= KEEP_EVERY:
            self._kept = (len(self._rows), self._state())
            self._clock = time.monotonic()

    def should_prune(self) -> bool:
        """Tell whether to stop here: raise `luthier.Pruned` then.

        A trial that can go on is paused, and does so if it is worth it. Another one ends for good,
        where it does worse than half of the others did at this point.
        """
        if not self.resumable:
            return below_median(self.history, self.number, self._reported())
        due = self.until is not None and len(self._rows) >= self.until
        done = self.full is not None and len(self._rows) >= self.full
        if (due or self.stop()) and not done and len(self._rows) > self._began:
            self.pausing = True
            self._kept = (len(self._rows), self._state())
        return self.pausing

    def pause(self) -> None:
        """Store all that is needed to go on."""
        self._tell(len(self._rows))

    def end(self, value: float | None) -> None:
        """Store what is left, with the value that the objective returned."""
        fresh = self._rows[self._told :]
        if value is not None and not fresh:
            # Nothing reported; or it was paused after what turned out to be its last epoch.
            self._rows.append({"metrics": {"value": 0.0, "reported": value}, "signals": {}})
        if len(self._rows) > self._told:
            self._rows[-1]["metrics"]["value"] = math.nan if value is None else value
        self._tell(len(self._rows), always=True)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong with the network that was watched, and stop watching it."""
        if self._watch is None:
            return ()
        self._watch.end()
        found = self._watch.diagnosis.findings
        return tuple(one for one in found if one.severity != "info")

    @property
    def epochs(self) -> int:
        """How many epochs it reported, those of earlier pieces included."""
        return len(self._rows)

    def _tell(self, count: int, *, always: bool = False) -> None:
        """Store the rows up to some number, with the state after exactly those if it was kept."""
        if count > self._told or always:
            kept = self._kept[1] if self._kept and self._kept[0] == count else None
            self.store(self._rows[self._told : count], kept)
            self._told = count

    def _state(self) -> State:
        return self._keeper.take() if self._keeper is not None else State({}, {"own": True})

    def _reported(self) -> tuple[float, ...]:
        return tuple(row["metrics"]["reported"] for row in self._rows)
