"""What is looked at in one call of `fit`: steps that are due, and what an epoch left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier.frameworks.keras.loss_names import loss_name
from luthier.frameworks.keras.watching_data import array_of, facts_of_rows
from luthier.frameworks.keras.watching_first import FirstRows, bad_values, is_fair
from luthier.frameworks.keras.watching_fit import Fit
from luthier.frameworks.keras.watching_layers import ROWS, saturated, saturating
from luthier.frameworks.keras.watching_loss import StepLoss
from luthier.frameworks.keras.watching_penalty import Penalty
from luthier.frameworks.keras.watching_rates import Rates, settings_of
from luthier.frameworks.keras.watching_state import State, inner_optimizer, number
from luthier.frameworks.keras.watching_steps import Steps, Streaks
from luthier.frameworks.sampled import Rows, due_after
from luthier.frameworks.seen_rates import SeenRates

FAR = 20.0  # standardised inputs reach to 4, with heavy tails to 10
NEAR = 0.1  # most features of inputs that were scaled twice stay within it
LOOKED = 500  # rows whose reach is looked at
_SCALING = ("Rescaling", "Normalization", "Embedding", "BatchNormalization")


class Eyes:
    """Looks at one model while one `fit` trains it.

    Args:
        model: The model, compiled.
        fit: What `fit` was called with; None where that was not found.
        made: Steps that were made before.
        rows: What sampled steps showed so far.
        seen: Takes note of rates.
        streaks: Of units without gradient.
        say: Takes a note of what is not seen.
    """

    def __init__(
        self,
        model: Any,
        fit: Fit | None,
        made: int,
        rows: Rows,
        seen: SeenRates,
        streaks: Streaks,
        say: Callable[[str], None],
    ) -> None:
        self._model, self._rows, self._seen = model, rows, seen
        self._state = State(model)
        self._steps = Steps(model, self._state, streaks)
        self._rates = Rates(self._state, seen)
        self._penalty = Penalty(model)
        self._losses = StepLoss(model, self._state)
        self._custom = _is_custom(model)
        optimizer = self._optimizer = inner_optimizer(model.optimizer)
        self._stride = int(getattr(model, "steps_per_execution", 1) or 1)
        self._every = int(getattr(optimizer, "gradient_accumulation_steps", 0) or 1)
        self._offset = int(number(optimizer._iterations)) - made
        self._before: tuple[Any, dict[str, Any], float] | None = None
        self._loss_before: tuple[tuple[float, float] | None, float] = None, 0.0
        self._fit = fit
        self._loss = loss_name(model.loss)
        self.facts: dict[str, Any] = {}
        self.ordered = self._swaps = False
        self.sample: Any = None
        self.first: FirstRows | None = None
        self._size: int | None = None
        self._say_what_is_not_seen(say)
        if fit is None:
            say("what fit was called with was not found: nothing is said of the data")
        else:
            self._read(fit, say)

    def around(self, done: int, due: int, pace: Mapping[str, Any], *, first: bool) -> int:
        """Read before and after a step; the read after one may be the read before the next.

        Args:
            done: Steps that were made.
            due: The next one to sample.
            pace: How samples follow each other.
            first: An epoch begins: its rate is read.

        Returns:
            The step to sample after that.
        """
        chosen = done + 1 >= due and (self._offset + done + 1) % self._every == 0
        single = self._stride == 1
        read = self._steps.read() if self._before or (chosen and single) else None
        if self._before is not None:
            sums, penalty = self._loss_before
            row, now = self._before[1], None if first else self._losses.read()
            row["loss"] = StepLoss.between(sums, now) - penalty
            self._finish(read)
        rate, penalty = self._seen.last, 0.0
        if chosen or first:
            rate = self._rates.read((self._offset + done) // self._every)
            if self._separable:
                penalty = self._penalty.look(done, self._state.weights())
        if not chosen:
            return due
        self._loss_before = self._losses.read() if single else None, penalty
        row = self._rows.begin(done + 1)
        row["learning_rate"] = rate
        self._before = (read, row, rate) if single else None
        return due_after(done + 1, **pace)

    @property
    def waiting(self) -> bool:
        """Whether the next step is to be looked at as well: the one before it was sampled."""
        return self._before is not None

    def close_epoch(self, steps: int) -> tuple[float, float]:
        """Return the mean of the penalty in the epoch that ends, and what it is now."""
        if self._before is not None and not self._swaps:
            self._finish(self._steps.read())
        self._before = None
        if self._rates.schedule:
            self._rates.read((self._offset + steps - 1) // self._every)
        if not self._separable:
            return 0.0, 0.0
        now = self._penalty.look(steps, self._state.weights())
        return self._penalty.mean(), now

    @property
    def penalised(self) -> bool:
        """Whether ``loss`` contains a penalty that can be told apart."""
        return self._separable

    def bad_values(self) -> dict[str, Any]:
        """Search all inputs for what is no number; worth it once a loss is none."""
        bad = None if self._fit is None else bad_values(self._fit)
        return {} if bad is None else {"nonfinite_inputs": bad}

    def look_inside(self, steps: int) -> None:
        """Look at the activations of a few rows."""
        row = self._rows.begin(steps)
        for name, share in saturated(self._model, self.sample).items():
            row[f"saturated/{name}"] = share

    def settings(self) -> dict[str, Any]:
        """Return what model, loss and optimizer say about the recipe."""
        found = {**settings_of(self._optimizer, self._seen.highest), **_dropout(self._model)}
        if self._separable:
            found |= self._penalty.settings()
        if self._loss.settings.get("label_smoothing"):
            found["label_smoothing"] = float(self._loss.settings["label_smoothing"])
        if self._size is not None:
            found["batch_size"] = self._size
        return found

    @property
    def _separable(self) -> bool:
        return self._penalty.there and not self._custom

    def _finish(self, read: Any) -> None:
        if self._before is not None:
            before, row, rate = self._before
            self._before = None
            self._steps.compare(before, read, row, rate)

    def _say_what_is_not_seen(self, say: Callable[[str], None]) -> None:
        if not self._steps.gradients_seen:
            kind = type(self._optimizer).__name__
            say(f"{kind} keeps nothing that gives its gradients back: they were not seen")
        if self._stride > 1:
            say(
                f"{self._stride} steps are one execution: updates and gradients of single steps "
                "were not seen"
            )
        if self._penalty.there and self._custom:
            say("the model computes its loss itself: a penalty within it was not told apart")
        if self._penalty.unseen:
            say("the loss contains penalties on activities, which were not told apart")

    def _read(self, fit: Fit, say: Callable[[str], None]) -> None:
        shape = getattr(self._model, "output_shape", None)
        one = isinstance(shape, tuple) and len(shape) > 1 and not isinstance(shape[0], tuple)
        outputs = tuple(shape[1:]) if one and isinstance(shape, tuple) else ()
        if not self._custom and one:
            self.facts |= facts_of_rows(fit, self._loss, outputs)
            plain = self._loss.kind != "other" and fit.class_weight is None
            fair = plain and fit.sample_weight is None and is_fair(self._model, self._loss)
            self.facts["fair_training_loss"] = fair
        self.first = FirstRows(self._model, fit, self._state, custom=self._custom)
        rows = array_of(fit.x)
        if rows is None:
            say("rows come from a data set: their order and labels were not seen")
        else:
            size = fit.batch_size or 32
            self._size = min(size, max(len(rows), 1))
            self.facts |= _reach(self._model, rows)
            self.ordered = not fit.shuffle and len(rows) > size
            if saturating(self._model):
                chosen = np.linspace(0, len(rows) - 1, min(ROWS, len(rows))).astype(int)
                self.sample = rows[chosen]
        if any(_keeps_best(one) for one in fit.callbacks):
            self.facts["keeps_best"] = True
        self._swaps = any(type(one).__name__ == "SwapEMAWeights" for one in fit.callbacks)


def _reach(model: Any, rows: Any) -> dict[str, Any]:
    """Return how far inputs reach that no layer scales, if that is far, or next to nothing."""
    layers = list(model._flatten_layers(include_self=False))
    first = next((i for i, one in enumerate(layers) if one.weights), 0)
    scales = any(type(one).__name__ in _SCALING for one in layers[: first + 1])
    if scales or rows.dtype.kind not in "fiu":
        return {}
    some = rows[:: max(len(rows) // LOOKED, 1)]
    low, high = float(some.min()), float(some.max())
    if not np.isfinite([low, high]).all():
        return {}
    if max(abs(low), abs(high)) <= FAR:
        each = np.abs(some.reshape(len(some), -1)).max(axis=0)  # of a feature that is ever not 0
        if not each.any() or float(np.median(each[each > 0])) >= NEAR:
            return {}
    return {"inputs_reach": (low, high)}


def _is_custom(model: Any) -> bool:
    """Tell a model that computes its loss in a way of its own."""
    kind = type(model)
    return any(
        not getattr(kind, name).__module__.startswith("keras.")
        for name in ("train_step", "compute_loss")
    )


def _keeps_best(callback: Any) -> bool:
    return bool(
        getattr(callback, "restore_best_weights", False)
        or getattr(callback, "save_best_only", False)
    )


def _dropout(model: Any) -> dict[str, float]:
    rates = [
        float(one.rate)
        for one in model._flatten_layers(include_self=False)
        if type(one).__name__.endswith("Dropout") and isinstance(getattr(one, "rate", None), float)
    ]
    return {"dropout": max(rates)} if rates else {}
