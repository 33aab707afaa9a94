"""One trial on a program that JAX compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from luthier.core import State
from luthier.engines.chunks.exchange import Carry, Outcome, Steps
from luthier.engines.chunks.trial import VECTOR, Array, Trial
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.xla import exact


class JaxTrial(Trial[Lowered]):
    """Holds what the program hands from one chunk of epochs to the next."""

    def _place(self, state: State) -> None:
        weights, network = state.group("weights"), self.shape.network
        changing = network.updates
        carry = Carry(
            weights={name: weights[name] for name in network.trainable},
            buffers={name: weights[name] for name in changing},
            slots=tuple(
                self._parted(state.group("slots").get(name), weights)
                for name in self.optimizer.slots
            ),
            average={
                **self._parted(state.group("ema").get(VECTOR), weights, kept=True),
                **{
                    name: state.group("ema").get(name, weights[name])
                    for name in changing
                    if np.issubdtype(weights[name].dtype, np.floating)
                },
            },
        )
        fixed = {k: v for k, v in weights.items() if k not in {*network.trainable, *changing}}
        self.carry, self.fixed = carry, fixed
        self._hold()

    def _hold(self) -> None:
        """Hand the arrays to JAX."""
        # A program for none at all compiles faster.
        draws = self.draws if self.recipe.noise else self.draws._replace(noise=None)
        with exact():
            self.carry, self.fixed, self.placed = jax.device_put(
                (self.carry, self.fixed, (self.settings, draws))
            )
        self.kept: Mapping[str, Any] = {}

    def _run(self, steps: Steps, count: int, epochs: int) -> list[Outcome]:
        span, rows = np.array([self.step, count, epochs]), self.shape.tables.rows
        with exact():
            self.carry, vectors, self.kept = self.shape.program(
                self.carry, self.fixed, self.examples, steps, span, *self.placed, rows
            )
        kernels = self.shape.network.kernels
        sizes = (steps.rows.shape[1], kernels, len(rows.val_target))
        return [Outcome.parted(v, *sizes) for v in np.asarray(vectors)[:epochs]]

    def _evaluated(self, index: int) -> dict[str, Any]:
        values = {name: np.asarray(value)[index].copy() for name, value in self.kept.items()}
        return {name: values.get(name, self.fixed.get(name)) for name in self.names}

    def _groups(self) -> Mapping[str, Mapping[str, Any]]:
        carry = self.carry
        values = {**self.fixed, **carry.buffers, **carry.weights}
        average: dict[str, Any] = {}
        if self.recipe.ema is not None and self.step:
            buffers = {k: v for k, v in carry.average.items() if k not in carry.weights}
            average = {VECTOR: self._joined(carry.average), **buffers}
        slots = zip(self.optimizer.slots, carry.slots, strict=True)
        return {
            "weights": {name: values[name] for name in self.names},
            "slots": {name: self._joined(parts) for name, parts in slots},
            "ema": average,
        }

    def _joined(self, parts: Mapping[str, Any]) -> Array:
        """Join arrays to the flat vector that every engine stores, kernels first."""
        names = self.shape.network.trainable
        return np.concatenate([np.asarray(parts[name]).reshape(-1) for name in names])

    def _parted(
        self, vector: Any, weights: Mapping[str, Any], *, kept: bool = False
    ) -> dict[str, Any]:
        """Undo `_joined`; without a vector, return zeros, or the weights themselves if `kept`."""
        names, parts, start = self.shape.network.trainable, {}, 0
        for name in names:
            like = weights[name]
            if vector is None:
                parts[name] = like if kept else np.zeros_like(like)
            else:
                parts[name] = np.asarray(vector[start : start + like.size]).reshape(like.shape)
            start += like.size
        return parts
