"""Watching a `fit` of Keras, through what it tells its callbacks.

Before most steps one number is compared. Around a sampled step, weights and what the optimizer
keeps are copied: their differences are the update and, for most optimizers, the gradient. Nothing
is computed a second time, no random number is drawn, and compiled steps run as they are.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from luthier.core import Trace, WatchError
from luthier.frameworks.keras import forking
from luthier.frameworks.keras.clock import Clock
from luthier.frameworks.keras.watching_eyes import Eyes
from luthier.frameworks.keras.watching_first import FirstRows
from luthier.frameworks.keras.watching_fit import Fit, fit_below
from luthier.frameworks.keras.watching_state import copied, number
from luthier.frameworks.keras.watching_steps import Streaks
from luthier.frameworks.sampled import EVERY, FIRST, GROWTH, Rows
from luthier.frameworks.seen_rates import SeenRates

SHARE = 0.01  # of the time so far that forward passes over a few rows may take
FORWARD = {"jax": 0.5, "tensorflow": 0.05, "torch": 0.02}  # seconds that a first one takes
MEASURED = 8  # times as long takes what asks the loss as well, and for gradients


class KerasWatcher:
    """What is seen of one Keras training, in one call of `fit` or in several that follow.

    Args:
        first: How many steps at the beginning are all sampled; explosions are quick.
        growth: Ratio of successive sampled steps after that.
        every: The longest gap.
        share: Of the time so far that looks at activations may take.
        clock: Tells seconds; by default those that this process gets.
    """

    def __init__(
        self,
        *,
        first: int = FIRST,
        growth: float = GROWTH,
        every: int = EVERY,
        share: float = SHARE,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._pace: dict[str, Any] = {"first": first, "growth": growth, "every": every}
        self._share, self._clock = share, Clock() if clock is None else clock
        self._rows, self._streaks, self._seen = Rows(), Streaks(), SeenRates()
        self._notes: dict[str, None] = {}
        self._facts: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}
        self._counts = {"orders_compared": 0, "orders_repeated": 0}
        self._steps = self._epochs = self._inside = 0
        self._due = 1
        self._left: tuple[Any, ...] | None = None
        self._spent, self._began = 0.0, self._clock()
        self._blind = False
        self._model: Any = None
        self._trained: Callable[[], Any] = lambda: None
        self._eyes: Eyes | None = None
        self._late: tuple[Fit | None] | None = None
        self._first = False
        self._first_rows: FirstRows | None = None
        self.wake = math.inf

    # What `fit` tells.

    def begin(self, model: Any) -> None:
        """Get ready for a `fit` that begins."""
        self._model, self._began, self._eyes = model, self._clock(), None
        self._trained = weakref.ref(model)
        self.wake = self._steps
        fit = fit_below(model)
        self._look(lambda: self._prepare(model, fit, self._steps))

    def _prepare(self, model: Any, fit: Fit | None, made: int) -> None:
        if not model.trainable_variables and not self._steps:
            self._late = (fit,)  # its first step builds it
            return
        self._late = None
        eyes = Eyes(model, fit, made, self._rows, self._seen, self._streaks, self._say)
        self._facts |= eyes.facts
        self._settings = eyes.settings()
        self._eyes = eyes
        if not made:
            self._first_rows = eyes.first

    def continues(self, model: Any) -> bool:
        """Tell whether a model still has the weights that it had when the last `fit` ended."""
        return self._left is not None and self._left == _fingerprint(model)

    def awake(self, done: int) -> None:
        """Look at a step that is due, or at what one has changed.

        Args:
            done: Steps that were made before the one that begins.
        """
        self._look(lambda: self._around(done))

    def epoch_begins(self) -> None:
        """Look at the first step of an epoch."""
        self._first = True
        self.wake = self._steps

    def stepped(self, steps: int) -> None:
        """Take note of steps."""
        self._steps += steps

    def epoch_ends(self, logs: Mapping[str, Any]) -> dict[str, float]:
        """Return what an epoch logged: data losses, the penalty apart, validation metrics."""
        self._epochs += 1
        values = {name: float(value) for name, value in logs.items() if _is_number(value)}
        found: dict[str, float] = {}
        self._look(lambda: found.update(self._close_epoch()))
        if self._eyes is not None and not math.isfinite(values.get("loss", 0.0)):
            self._look(self._find_bad_values)
        penalty, now = found.pop("mean", 0.0), found.pop("now", 0.0)
        return {**_named(values, penalty, now), **found}

    def open(self) -> None:
        """Nothing is attached: `fit` calls."""

    def close(self) -> None:
        """Let go of the model and of all that belongs to it."""
        if self._model is not None:
            self._look(self._remember)
        self._model = self._eyes = self._late = None
        self.wake = math.inf

    def _remember(self) -> None:
        self._left = _fingerprint(self._model)

    def also(self, facts: Mapping[str, Any]) -> None:
        """Take note of facts that others have found."""
        self._facts |= facts

    # What a watch asks.

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return self._steps

    @property
    def rate(self) -> float:
        """The rate of the last step that was looked at."""
        return self._seen.last

    def number(self, value: Any) -> float:
        """Return a logged value as a float."""
        return number(value)

    @property
    def live(self) -> frozenset[str]:
        """The recipe keys that `fork` can change; none where the model is gone."""
        model = self._trained()
        return frozenset() if model is None else forking.live(model)

    def fork(
        self,
        step: Callable[[Any], Any],
        batches: Sequence[Any],
        settings: Mapping[str, tuple[Any, Any]],
        seconds: float,
        keep: Sequence[Any] = (),
    ) -> tuple[list[float], list[float]]:
        """Return losses of steps as they would come and with settings changed; put all back.

        Raises:
            WatchError: for a model that was not built yet, or is gone.
        """
        model = self._trained()
        if model is None or not model.built or not model.optimizer.built:
            raise WatchError(
                "no step of the model was seen, so there is nothing to go on from. Pass the watch "
                "to model.fit first, and call prove at the end of an epoch or after fit."
            )
        return forking.fork(model, step, batches, settings, seconds)

    def mark(self, *, validated: bool) -> None:
        """Nothing is left to do: `epoch_ends` was told."""

    def rate_logged(self, rate: float) -> None:
        """Compare a rate that the user's code says with the one that trains."""
        self._seen.said(rate, [self._seen.last])

    def settings(self) -> Mapping[str, Any]:
        """Return what model, loss and optimizer say about the recipe."""
        return self._settings

    def notes(self) -> list[str]:
        """Return in words what could not be seen."""
        return list(self._notes)

    def trace(self) -> Trace:
        """Return what was seen so far."""
        if self._model is None:  # no `fit` waits for it
            self._measure()
        steps, series = self._rows.series()
        counts = {"steps": self._steps, **self._counts, **self._seen.counts()}
        facts = {"framework": "keras", **self._facts, **self._seen.facts()}
        return Trace(steps, series, counts, facts)

    def _around(self, done: int) -> None:
        if self._eyes is None and self._late is not None and self._model.trainable_variables:
            (fit,), self._late = self._late, None
            self._prepare(self._model, fit, done)
        if self._eyes is None:
            self.wake = done + 1 if self._late is not None else math.inf
            return
        self._due = self._eyes.around(done, self._due, self._pace, first=self._first)
        self._first = False
        self.wake = done + 1 if self._eyes.waiting else max(self._due - 1, done + 1)

    def _close_epoch(self) -> dict[str, float]:
        if self._eyes is None:
            return {}
        mean, now = self._eyes.close_epoch(self._steps)
        self._settings = self._eyes.settings()
        if self._eyes.ordered:
            self._counts["orders_compared"] = max(self._epochs - 1, 0)
            self._counts["orders_repeated"] = self._counts["orders_compared"]
        self._look_inside(self._eyes)
        self._look_at_first_rows()
        return {"mean": mean, "now": now, "penalty": mean} if self._eyes.penalised else {}

    def _look_inside(self, eyes: Eyes) -> None:
        """Look at activations, where that takes next to no time."""
        if eyes.sample is None:
            return
        first = FORWARD[str(keras.backend.backend())]
        expected = self._spent / self._inside if self._inside else first
        elapsed = self._clock() - self._began
        if self._spent + expected > self._share * elapsed:
            return
        began = self._clock()
        eyes.look_inside(self._steps)
        self._spent += self._clock() - began
        self._inside += 1

    def _find_bad_values(self) -> None:
        if self._eyes is not None and "nonfinite_inputs" not in self._facts:
            self._facts |= self._eyes.bad_values()

    def _look_at_first_rows(self) -> None:
        """Measure the first rows while `fit` runs, where that takes next to no time."""
        took = MEASURED * FORWARD[str(keras.backend.backend())]
        if self._spent + took <= self._share * (self._clock() - self._began):
            began = self._clock()
            self._measure()
            self._spent += self._clock() - began

    def _measure(self) -> None:
        """Measure the first rows, once; what they do not stand says nothing of them."""
        if self._first_rows is None or not self._first_rows.waits:
            return
        try:
            found = self._first_rows.measure()
        except Exception as error:
            found = {"note": f"outputs were not looked at: {type(error).__name__}: {error}"[:300]}
        if "note" in found:
            self._say(found.pop("note"))
        self._facts |= found

    def _say(self, note: str) -> None:
        self._notes[note] = None

    def _look(self, look: Callable[[], None]) -> None:
        """Look; if that fails, the training goes on and is seen no more."""
        if self._blind:
            return
        try:
            look()
        except Exception as error:
            self._blind, self.wake = True, math.inf
            self._say(f"stopped measuring steps: {type(error).__name__}: {error}")


def _named(values: Mapping[str, float], mean: float, now: float) -> dict[str, float]:
    """Return logged values under our names: the penalty taken off, metrics of validation alone."""
    found = {}
    for name, value in values.items():
        if name == "loss":
            found["train_loss"] = value - mean
        elif name == "val_loss":
            found["val_loss"] = value - now
        elif name.startswith("val_"):
            found[name] = value
    return found


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _fingerprint(model: Any) -> tuple[Any, ...]:
    """Return a few numbers of a model's weights, and which they are."""
    weights = model.trainable_variables
    chosen = weights if len(weights) <= 4 else [*weights[:2], *weights[-2:]]
    return tuple((one.path, copied(one.value, 64).tobytes()) for one in chosen)
