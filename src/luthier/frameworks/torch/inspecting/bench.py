"""The bench that copies of one network are tried on, all on the same rows and in one order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from luthier.core import Fit, Setup
from luthier.frameworks.torch.inspecting.affordable import PROBE
from luthier.frameworks.torch.inspecting.fitting import (
    Change,
    Optimizer,
    adam,
    copied,
    fit,
    rebuilt,
    repeated,
)
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Batches, Rows
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch

RATES = (1e-2, 1e-3)  # ten times Adam's default for what is to be learnt in few steps, and itself
_MARGIN = 1.5  # an optimizer's own work, and the loss that is measured before and after
_SURE = 10  # steps that tell how long one takes
_ONE = 16  # rows of the one small batch


class Bench:
    """Trains copies for a few steps each.

    Args:
        model: The user's network.
        objective: The user's loss.
        data: Rows, or batches that only the loss understands.
        optimizer: The user's; None where nobody gave one.
        steps: Of one fit, where a step is fast.
        seconds: That all fits together may take; one that would take longer than what is left of
            them is left out.
        most: Steps that they may take together, likewise; no limit where it is None.
        seed: Decides the order of batches.
        rows: That losses are measured on.
        by: The user's highest rate, as its schedule has it, over the one in the optimizer.
        course: That schedule's rates as shares of its highest, where it warms up: what a rate does
            after a warm-up and before an end near zero is not what it does from the first step on.
        clock: Began when the time did.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        data: Rows | Batches,
        optimizer: Optimizer | None,
        *,
        steps: int,
        seconds: float,
        most: int | None = None,
        seed: int,
        rows: int | None = None,
        by: float = 1.0,
        course: Sequence[float] = (),
        clock: Stopwatch | None = None,
    ) -> None:
        self.model, self.objective, self.data, self.optimizer = model, objective, data, optimizer
        self.seed, self._seconds, self._clock = seed, seconds, clock or Stopwatch()
        self._share = seconds / 10
        self._rows, self._by, self._course = rows, by, course
        self._most = math.inf if most is None else most
        self.spent = 0  # steps of all fits so far
        self.pace = 0.0  # seconds of a step, as far as that is known
        self.enough = -math.inf  # a loss that no other rate need be tried for
        self.fits: dict[str, Fit] = {}
        self.left_out: list[str] = []
        self.probe = probe_of(data, rows)
        self.steps = self._affordable(steps)

    def _left(self) -> float:
        return self._seconds - self._clock.seconds()

    def _affordable(self, steps: int) -> int:
        """Return how many steps a fit may have: fewer for networks that take long for one."""
        twin = copied(self.model)
        held = [p for p in twin.parameters() if p.requires_grad]
        if not held:
            return 0
        batch = next(iter(self.data.batches(self.seed)))
        took, whole = math.inf, Stopwatch()
        # The first pass warms up; of the others the fastest counts: a machine may be busy.
        for number in range(5):
            began = Stopwatch()
            loss = self.objective(twin, batch)
            if not loss.requires_grad:
                return 0
            torch.autograd.grad(loss, held, allow_unused=True)
            took = min(took, began.seconds())
            if number and whole.seconds() > self._share / 4:
                break
            if began.seconds() > self._share:
                break
        self.pace = _MARGIN * took
        count = min(steps, int(self._share / max(took, 1e-4)))
        return count if count >= 10 else 0

    def run(
        self,
        name: str,
        *,
        rate: float | None = None,
        by: float = 1.0,
        change: Change | None = None,
        mode: Callable[[], Any] | None = None,
        data: Rows | None = None,
        batch: Any = None,
        guess: float | None = None,
        aim: float | None = None,
        penalty: Callable[[nn.Module], Tensor] | None = None,
        teacher: Callable[[nn.Module, Any], Tensor] | None = None,
        objective: Objective | None = None,
        longer: float = 1.0,
        evaluated: bool = False,
        everything: bool = False,
        **settings: Any,
    ) -> Fit | None:
        """Train a copy, keep the result by its name, and return it; None where it is left out.

        Args:
            name: What is otherwise.
            rate: Adam's; None for the user's own optimizer.
            by: Factor on the user's rates.
            change: Made to the copy first.
            mode: Returns what forward passes run within.
            data: Other rows than the user's.
            batch: Fit these alone.
            guess: Goes into the result.
            aim: A loss at which to stop.
            penalty: Added to the loss.
            teacher: The loss to train with, where it isn't the objective.
            objective: Instead of the user's.
            longer: Factor on the steps.
            evaluated: Measure in evaluation mode.
            everything: The user's optimizer, with the weights that it does not hold.
            settings: Of the user's optimizer, instead of its own.
        """
        if not self.steps:
            return None
        most = round(self.steps * longer)
        late = min(most * self.pace, 2 * self._share) > self._left()
        if late or self.spent + most > self._most:
            self.left_out.append(name)
            return None
        twin = copied(self.model)
        if change is not None:
            change(twin)
        made = adam(twin, rate) if rate is not None else None
        own = made is None
        if made is None:
            how = {"everything": everything, **settings}
            made = rebuilt(self.optimizer, self.model, twin, by * self._by, **how)
        if made is None:
            return None
        source = self.data if data is None else data
        probe = batch if batch is not None else self.probe
        if batch is None and data is not None:
            probe = probe_of(data, self._rows)
        began = Stopwatch()
        try:
            found = fit(
                twin,
                objective or self.objective,
                repeated(batch) if batch is not None else source.batches(self.seed),
                probe,
                made,
                steps=most,
                mode=mode,
                penalty=None if penalty is None else lambda: penalty(twin),
                guess=guess,
                teacher=teacher,
                aim=aim,
                evaluated=evaluated,
                course=self._course if own else (),
                seconds=2 * self._share,
            )
        except Exception:
            # An experiment that the network or its loss does not stand says nothing about them.
            return None
        self.spent += found.steps
        if found.steps >= _SURE:
            self.pace = began.seconds() / found.steps
        best = self.fits.get(name)
        if best is None or found.last < best.last:
            self.fits[name] = found
        return found

    def own_or_adam(self, name: str, **how: Any) -> None:
        """Try a change with the user's optimizer; without one, with Adam at its own default."""
        if self.optimizer is not None:
            self.run(name, **how)
        else:
            if "own" not in self.fits:
                self.run("own", rate=1e-3)
            self.run(name, rate=1e-3, **how)

    def best(self, name: str, **how: Any) -> Fit | None:
        """Try a change with each of `RATES`, until one is good enough; return the best fit."""
        for rate in RATES:
            found = self.run(name, rate=rate, **how)
            if found is not None and found.last <= self.enough:
                break
        return self.fits.get(name)


def planned_steps(setup: Setup, rows: int) -> int:
    """Return how many steps a training of some rows is to take; 0 where nobody said.

    >>> planned_steps(Setup(epochs=3, batch_size=4), 10), planned_steps(Setup(epochs=3), 10)
    (6, 3)
    >>> planned_steps(Setup(epochs=3, batch_size=4), 0)
    0
    """
    if not rows:
        return 0
    size = setup.batch_size or rows
    return (setup.epochs or 0) * max(rows // max(size, 1), 1)


def probe_of(data: Rows | Batches, rows: int | None = None) -> Any:
    """Return the batch that losses are measured on; its number of rows where it is given."""
    if isinstance(data, Batches):
        return data.items[0]
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(1))
    return data.take(order[: rows or max(PROBE, data.batch_size)])


def one_of(data: Rows | Batches) -> Any:
    """Return one small batch of rows that differ."""
    if isinstance(data, Batches):
        return data.items[0]
    seen: set[bytes] = set()
    chosen = []
    for index in torch.randperm(len(data), generator=torch.Generator().manual_seed(2)).tolist():
        row = data.inputs[0][index].cpu().float().numpy().tobytes()
        if row not in seen:
            seen.add(row)
            chosen.append(index)
        if len(chosen) == _ONE:
            break
    return data.take(torch.tensor(chosen))


def finite_spread(tensor: Tensor) -> float:
    """Return a tensor's standard deviation; 0 where it has none."""
    value = float(tensor.double().std()) if tensor.numel() > 1 else 0.0
    return value if math.isfinite(value) else 0.0
