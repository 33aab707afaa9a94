"""One trial of a pack: what the host decides and reads, and its arrays while no lane holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from luthier.catalog.order import order_key
from luthier.core import Curves
from luthier.engines.chunks.exchange import Outcome, Steps
from luthier.engines.chunks.trial import Array
from luthier.engines.compiled.trial import JaxTrial
from luthier.engines.packed.metrics import told
from luthier.engines.packed.program import Features


class PackedTrial(JaxTrial):
    """A trial whose arrays lie in NumPy between the times that a pack trains it."""

    def _hold(self) -> None:
        """Leave the arrays on the host."""
        self.improved = False
        self.order = np.array(order_key(self.seed), np.uint32)

    def _rows(self, coming: range) -> Array:
        """Return the numbers of the next epochs: the program draws their orders."""
        return np.array(coming, np.uint32)

    @property
    def features(self) -> Features:
        """What its recipe asks of a program."""
        recipe, rates = self.recipe, self.shape.network.rates
        return Features(
            drops=any(rate > 0 for rate in rates),
            mixes=bool(recipe.mixup),
            penalises=bool(recipe.l1 or recipe.l2),
            averages=recipe.ema is not None,
            weighs=recipe.class_weight is not None,
            varies=recipe.augmentation != "none",
            noises=bool(recipe.noise),
        )

    @property
    def evaluated(self) -> dict[str, Any]:
        """The arrays that an evaluation reads and training changes."""
        return {**self.carry.buffers, **self.carry.weights, **self.carry.average}

    def ahead(self, until: int, most: int) -> int:
        """Return how many epochs may be trained before the host must look."""
        if not self.finite:
            return 0
        return min(until - self.epochs, 1 if self.recipe.schedule == "plateau" else most)

    def steps(self, epochs: int) -> Steps:
        """Return what the next epochs' steps are given."""
        self.most = epochs
        return self._steps(epochs)

    def digest(
        self,
        shown: Array,
        outputs: Sequence[Array] | None,
        steps: Steps,
        seconds: Callable[[], float],
    ) -> tuple[Curves, int | None]:
        """Read what epochs showed; return their curves, and which of them is the best so far.

        Args:
            shown: What was told after each.
            outputs: On the validation part after each, where a metric is the host's to compute.
            steps: What they were given.
            seconds: Tells what they took.
        """
        self.best_of_call: int | None = None
        curves = self._checked(self._curves_of(shown, outputs, steps), seconds)
        return curves, self.best_of_call

    def _curves_of(self, shown: Array, outputs: Sequence[Array] | None, steps: Steps) -> Curves:
        finite = np.isfinite(shown[:, 0]) & np.isfinite(shown[:, 4])
        count = len(shown) if finite.all() else int(finite.argmin()) + 1
        task, names = self.shape.tables.task, told(self.shape.tables.task)
        start = 5 + len(names)
        train, penalty, norm, sample, val, *scores = map(tuple, shown[:count, :start].T.tolist())
        metrics = dict(zip(names, scores, strict=True))
        if outputs is not None:
            each = [
                self._scores(outputs[n], {k: v[n] for k, v in metrics.items()})
                for n in range(count)
            ]
            metrics = {name: tuple(one[name] for one in each) for name in task.metrics}
        norms = shown[:count, start:].reshape(count, 3, -1)
        return Curves(
            train_loss=train,
            train_loss_eval=sample,
            penalty=penalty,
            val_loss=val,
            metrics=metrics,
            learning_rate=tuple(steps.numbers[:count, -1, 0].tolist()),
            signals={"gradient_norm": norm, **self._signals(norms)},
        )

    def outcome(self, shown: Array, steps: Array) -> Outcome:
        """Return what a rehearsal showed, from what was told and what each step had."""
        return Outcome(steps, None, shown[3:5], None)

    def _keep(self, index: int) -> None:
        self.best_of_call, self.improved = index, True

    def settle(self, carry: Any, fixed: Any, best: Mapping[str, Any]) -> None:
        """Take arrays back from a lane."""
        self.carry, self.fixed = carry, fixed
        if self.improved:
            self.best = {name: best.get(name, fixed.get(name)) for name in self.names}
            self.improved = False

    def packed(self, features: Features) -> tuple[Any, Any]:
        """Return carry and fixed arrays as a program with these features takes them."""
        if not features.averages:
            return self.carry._replace(average={}), self.fixed
        if self.recipe.ema is None:  # then what is evaluated is what trains
            live = {**self.carry.weights, **self.carry.buffers}
            floats = {k: v for k, v in live.items() if np.issubdtype(v.dtype, np.floating)}
            return self.carry._replace(average=floats), self.fixed
        return self.carry, self.fixed

    def _run(self, steps: Steps, count: int, epochs: int) -> list[Outcome]:
        """Train for up to an epoch alone: a rehearsal needs no neighbours."""
        return [self.shape.program(self, Steps(*(part[0:1] for part in steps)), count)]

    @property
    def example_weight(self) -> Any:
        """The weight of each training row."""
        return np.asarray(self.examples.weight)
