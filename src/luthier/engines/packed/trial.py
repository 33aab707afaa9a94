"""One trial of a pack: what the host decides and reads, and its arrays while no lane holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from luthier.core import Curves
from luthier.engines.chunks.exchange import Outcome, Steps
from luthier.engines.compiled.trial import JaxTrial
from luthier.engines.packed.program import Features


class PackedTrial(JaxTrial):
    """A trial whose arrays lie in NumPy between the times that a pack trains it."""

    def _hold(self) -> None:
        """Leave the arrays on the host."""
        self.improved = False

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
        self, shown: list[Outcome], steps: Steps, seconds: Callable[[], float]
    ) -> tuple[Curves, int | None]:
        """Read what epochs showed; return their curves, and which of them is the best so far."""
        self.best_of_call: int | None = None
        curves = self._read(shown, steps, seconds)
        return curves, self.best_of_call

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
