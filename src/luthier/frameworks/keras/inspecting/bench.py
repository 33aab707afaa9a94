"""The bench that copies of one model's weights are tried on, all on the same rows, in one order."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import Fit
from luthier.frameworks.keras.clock import Clock
from luthier.frameworks.keras.inspecting.loss_facts import Compiled
from luthier.frameworks.keras.inspecting.machine import Course, compiled
from luthier.frameworks.keras.inspecting.net import Function, Net, array, tensors
from luthier.frameworks.keras.inspecting.optimizer_facts import STEADY, Pace, rate_of
from luthier.frameworks.keras.inspecting.rows import Rows
from luthier.frameworks.keras.watching_state import inner_optimizer

Array = NDArray[Any]
Instead = Sequence[tuple[Any, Function]]
RATES = (1e-2, 1e-3)  # ten times Adam's default for what is to be learnt in few steps, and itself
_PROBE = 256  # rows that losses are measured on
_ONE = 16  # rows of the one small batch
_LOOKS = 10  # steps after which a loss that is no number ends a fit


class Bench:
    """Trains copies for a few steps each.

    Args:
        net: The user's model.
        loss: The user's loss; penalties of the model come on top of it.
        rows: The user's data.
        optimizer: The user's; None where nobody gave one.
        steps: Of one fit.
        seconds: That all fits together may take; one that would take longer than what is left of
            them is left out.
        most: Steps that they may take together, likewise; no limit where it is None.
        seed: Decides the order of batches.
        pace: The user's schedule: its highest rate is the user's rate, and where it warms up the
            user's optimizer follows it.
    """

    def __init__(
        self,
        net: Net,
        loss: Compiled,
        rows: Rows,
        optimizer: Any,
        *,
        steps: int,
        seconds: float,
        most: int | None = None,
        seed: int,
        pace: Pace = STEADY,
    ) -> None:
        self.net, self.loss, self.rows, self.seed = net, loss, rows, seed
        self._inner = None if optimizer is None else inner_optimizer(optimizer)
        self.rate = None if self._inner is None else pace.peak or rate_of(self._inner)
        self._shape = pace.shape
        self.enough = -math.inf  # a loss that no other rate need be tried for
        self.steps = steps
        self._clock = Clock()
        self._end, self._share = seconds, seconds / 6
        self._compiling = seconds  # compiling may take as long again
        self._most = math.inf if most is None else most
        self.spent = 0  # steps of all fits so far
        self._pace = 0.0  # seconds of a step, once one is known
        self.fits: dict[str, Fit] = {}
        self.left_out: list[str] = []
        self.failed: list[str] = []
        self._courses: dict[Any, Course] = {}
        self._measures: dict[Any, Callable[..., Any]] = {}
        order = np.random.default_rng(1).permutation(len(rows))
        self._probe = order[: max(_PROBE, rows.batch_size)]

    @property
    def has_optimizer(self) -> bool:
        """Whether the user's optimizer can be made anew."""
        return self._inner is not None

    def run(
        self,
        name: str,
        *,
        rate: float | None = None,
        by: float = 1.0,
        instead: Instead = (),
        weights: Sequence[Array] | None = None,
        rows: Rows | None = None,
        batch: Array | None = None,
        guess: float | None = None,
        aim: float | None = None,
        penalised: bool = True,
        teacher: Compiled | None = None,
        before: Callable[[Any], Any] | None = None,
        head: Callable[..., Any] | None = None,
        dropout: bool = False,
        evaluated: bool = False,
        within: Callable[[], Any] = contextlib.nullcontext,
        by_loss: float = 1.0,
        longer: float = 1.0,
        **settings: Any,
    ) -> Fit | None:
        """Train a copy, keep the result by its name, and return it; None where it is left out.

        Args:
            name: What is otherwise.
            rate: Adam's; None for the user's own optimizer.
            by: Factor on the user's rate.
            instead: Layers, and what they apply instead of their activation.
            weights: Other weights to begin with.
            rows: Other rows than the user's.
            batch: Numbers of rows to fit alone.
            guess: Goes into the result.
            aim: A loss at which to stop.
            penalised: Whether the model's penalties are trained with.
            teacher: The loss to train with, where it isn't the user's.
            before: What outputs go through before the loss.
            head: What outputs go through before it, with weights of its own, the last of `weights`;
                its loss is the teacher's, and what is measured, too.
            dropout: Whether layers that drop values do.
            evaluated: Measure in evaluation mode.
            within: Returns what forward passes of training run within.
            by_loss: Factor on the loss.
            longer: Factor on the steps.
            settings: Of the user's optimizer, instead of its own.
        """
        if rate is None and self._inner is None:
            return None
        steps = round(self.steps * longer)
        late = self._clock() + min(steps * self._pace, 2 * self._share) > self._end
        if late or self.spent + steps > self._most:
            self.left_out.append(name)
            return None
        data = rows or self.rows
        kind = "adam" if rate is not None else "own"
        key = (
            kind, tuple((id(a), id(b)) for a, b in instead), penalised, id(teacher), id(before),
            id(head), dropout, id(within), by_loss, tuple(sorted(settings.items())),
        )  # fmt: skip
        try:
            course = self._courses.get(key)
            if course is None:
                loss = self._loss_of(
                    instead, penalised, teacher, before, head, dropout, within, by_loss
                )
                made = self._optimizer(rate, settings)
                course = self._courses[key] = Course(loss, weights or self.net.weights, made)
            course.begin(weights or self.net.weights, (rate or (self.rate or 0.0) * by))
            measure = (
                self._measure((), before, evaluated)
                if teacher is not None and head is None
                else self._measure(instead, before, evaluated, head, teacher if head else None)
            )
            shape = self._shape if rate is None else ()
            found = self._fit(course, measure, data, batch, guess, aim, steps, shape)
        except Exception as error:
            # An experiment that the model or its loss does not stand says nothing about them.
            self.failed.append(f"{name}: {type(error).__name__}: {error}"[:200])
            return None
        self.spent += found.steps
        best = self.fits.get(name)
        if best is None or found.last < best.last:
            self.fits[name] = found
        return found

    def best(self, name: str, **how: Any) -> Fit | None:
        """Try a change with each of `RATES`, until one is good enough; return the best fit."""
        for rate in RATES:
            found = self.run(name, rate=rate, **how)
            if found is not None and found.last <= self.enough:
                break
        return self.fits.get(name)

    def one(self) -> Array:
        """Return numbers of a few rows that differ."""
        order = np.random.default_rng(2).permutation(len(self.rows))
        seen: dict[bytes, int] = {}
        for index in order.tolist():
            seen.setdefault(self.rows.inputs[0][index].tobytes(), index)
            if len(seen) == _ONE:
                break
        return np.array(list(seen.values()))

    def _fit(
        self,
        course: Course,
        measure: Callable[..., Any],
        data: Rows,
        batch: Array | None,
        guess: float | None,
        aim: float | None,
        steps: int,
        shape: Sequence[float],
    ) -> Fit:
        top = float(array(course.rate))
        others = tensors(self.net.others)
        probe = data.take(self._probe if batch is None else batch)
        given = tensors(probe[0]), keras.ops.convert_to_tensor(probe[1])

        def measured() -> float:
            value = float(array(measure(course.weights, others, *given)))
            return value if math.isfinite(value) else math.inf

        began = self._clock()
        first = last = measured()
        batches = data.batches(self.seed) if batch is None else _again(data.take(batch))
        done, limit = 0, math.inf
        for done, (inputs, target) in zip(range(1, steps + 1), batches, strict=False):
            if shape:
                course.rate = top * shape[(done - 1) * len(shape) // steps]
            loss, others = course.step(others, tensors(inputs), keras.ops.convert_to_tensor(target))
            if done == 1:
                took = min(self._clock() - began, self._compiling)
                self._compiling, self._end = self._compiling - took, self._end + took
                began = self._clock()
                limit = 2 * self._share
            if done % _LOOKS == 0:
                if not math.isfinite(float(array(loss))):
                    break
                if aim is not None and measured() < aim:
                    break
            if self._clock() - began > limit:
                break
        last = measured()
        if done >= _LOOKS:
            self._pace = (self._clock() - began) / done
        return Fit(done, first, last, top, guess)

    def _loss_of(
        self,
        instead: Instead,
        penalised: bool,
        teacher: Compiled | None,
        before: Callable[[Any], Any] | None,
        head: Callable[..., Any] | None,
        dropout: bool,
        within: Callable[[], Any],
        by_loss: float,
    ) -> Any:
        def loss(
            weights: Sequence[Any], others: Sequence[Any], inputs: Sequence[Any], target: Any
        ) -> tuple[Any, list[Any]]:
            with self.net.changed(instead, dropout=dropout), within():
                outputs, after, penalties = self.net.call(weights, others, inputs, training=True)
            outputs = outputs if before is None else before(outputs)
            outputs = outputs if head is None else head(outputs, weights)
            total = (teacher or self.loss)(target, outputs) * by_loss
            for one in penalties if penalised else ():
                total = total + keras.ops.sum(one)
            return total, after

        return loss

    def _measure(
        self,
        instead: Instead,
        before: Callable[[Any], Any] | None,
        evaluated: bool,
        head: Callable[..., Any] | None = None,
        loss: Compiled | None = None,
    ) -> Callable[..., Any]:
        key = (tuple((id(a), id(b)) for a, b in instead), id(before), id(head), evaluated)
        if key not in self._measures:

            def measure(
                weights: Sequence[Any], others: Sequence[Any], inputs: Sequence[Any], target: Any
            ) -> Any:
                with self.net.changed(instead):
                    how = {"training": not evaluated}
                    outputs, _, _ = self.net.call(weights, others, inputs, **how)
                outputs = outputs if before is None else before(outputs)
                outputs = outputs if head is None else head(outputs, weights)
                return (loss or self.loss)(target, outputs)

            self._measures[key] = compiled(measure)
        return self._measures[key]

    def _optimizer(self, rate: float | None, settings: dict[str, Any]) -> Any:
        if rate is not None or self._inner is None:
            return keras.optimizers.Adam(rate or 1e-3, name="luthier")
        held = vars(self._inner)
        schedule = held["_learning_rate"]
        held["_learning_rate"] = None  # one of the user's own need not know its configuration
        try:
            config = {**self._inner.get_config(), "learning_rate": self.rate, "name": "luthier"}
        finally:
            held["_learning_rate"] = schedule
        config["gradient_accumulation_steps"] = None
        return type(self._inner).from_config({**config, **settings})


def _again(batch: Any) -> Iterator[Any]:
    while True:
        yield batch
