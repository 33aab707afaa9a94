"""A pack: lanes of one program on one device, and the trials that they train."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from luthier.engines.chunks.exchange import Draws, Steps
from luthier.engines.packed.evaluation import Shown
from luthier.engines.packed.program import Epoch, Features, Lanes, chosen, placed_in
from luthier.engines.packed.trial import PackedTrial

_chosen = jax.jit(chosen)
_placed_in = jax.jit(placed_in)


class Pack:
    """Some trials on as many lanes, or more; a lane without a trial computes for nobody.

    Args:
        program: One epoch of so many lanes.
        size: Lanes.
        features: What the program can do beyond plain training.
        place: Hands arrays to the device.
        trials: Who trains here; at most one a lane.
    """

    def __init__(
        self,
        program: Callable[..., Any],
        size: int,
        features: Features,
        place: Callable[[Any], Any],
        trials: Sequence[PackedTrial],
    ) -> None:
        self.program, self.size, self.features, self.place = program, size, features, place
        self.trials: list[PackedTrial | None] = [*trials, *[None] * (size - len(trials))]
        first = trials[0]
        filled = [trial or first for trial in self.trials]
        self.carry, self.fixed = place(_stacked([trial.packed(features) for trial in filled]))
        self.best = self._evaluated(self.carry)
        self._given = self._lanes()

    def join(self, trials: Sequence[PackedTrial], lanes: Sequence[int]) -> None:
        """Give lanes to other trials; whoever had them must have been settled."""
        for lane, trial in zip(lanes, trials, strict=True):
            self.trials[lane] = trial
        # Padded to a power of two, so that few numbers of newcomers compile anything.
        spare = (1 << (len(trials) - 1).bit_length()) - len(trials)
        index = np.array([*lanes, *[lanes[-1]] * spare])
        joined = [*trials, *[trials[-1]] * spare]
        new = self.place(_stacked([trial.packed(self.features) for trial in joined]))
        self.carry, self.fixed = _placed_in((self.carry, self.fixed), index, new)
        self._given = self._lanes()

    def lanes_of(self, trials: Sequence[PackedTrial]) -> list[int]:
        """Return the lanes of trials that are here."""
        at = {id(trial): lane for lane, trial in enumerate(self.trials)}
        return [at[id(trial)] for trial in trials]

    def holds(self, trial: PackedTrial) -> bool:
        """Tell whether a trial has a lane."""
        return any(one is trial for one in self.trials)

    def train(
        self, steps: Mapping[int, Steps], counts: Mapping[int, int], limit: int
    ) -> list[Shown]:
        """Train lanes for some epochs, each from where it is.

        Args:
            steps: Of each lane that trains.
            counts: Its epochs; the others' lanes stay as they are.
            limit: Steps of an epoch.

        Returns:
            What each epoch showed; what was told lies on the host. The arrays that every epoch
            evaluated are kept until the next call, for `keep`.
        """
        most = max(counts.values())
        one = next(iter(steps.values()))
        epochs_of = np.zeros((most, self.size), np.uint32)
        numbers = np.zeros((most, self.size, *one.numbers.shape[1:]))
        first = np.zeros((most, self.size), np.int64)
        limits = np.zeros((most, self.size), np.int64)
        for lane, given in steps.items():
            trial, epochs = self.trials[lane], counts[lane]
            if trial is None:
                raise RuntimeError(f"lane {lane} is empty")
            epochs_of[:epochs, lane] = given.rows[:epochs]
            numbers[:epochs, lane] = given.numbers[:epochs]
            first[:epochs, lane] = trial.step + trial.shape.steps * np.arange(epochs)
            limits[:epochs, lane] = limit
        carry, shown, seen = self.carry, [], []
        for index in range(most):
            epoch = Epoch(Steps(epochs_of[index], numbers[index]), first[index], limits[index])
            carry, outcome = self.program(self.lanes(carry), epoch)
            shown.append(outcome)
            seen.append(self._evaluated(carry))
        told = jax.device_get([one.told for one in shown])
        self.carry, self._seen = carry, seen  # not before it is known that memory did
        return [one._replace(told=array) for one, array in zip(shown, told, strict=True)]

    def lanes(self, carry: Any) -> Lanes:
        """Return what the program takes, with such weights and moments."""
        return Lanes(carry, *self._given)

    def keep(self, epochs: Mapping[int, int]) -> None:
        """Keep what some lanes had after an epoch of the last call: it is their best so far."""
        for index, seen in enumerate(self._seen):
            mask = np.array([epochs.get(lane) == index for lane in range(self.size)])
            if mask.any():
                self.best = _chosen(mask, seen, self.best)
        self._seen = []

    def settle(self, lanes: Sequence[int] | None = None) -> None:
        """Hand trials their arrays; they stay on their lanes."""
        chosen_lanes = [n for n, t in enumerate(self.trials) if t] if lanes is None else lanes
        carry, fixed, best = jax.device_get((self.carry, self.fixed, self.best))
        for lane in chosen_lanes:
            trial = self.trials[lane]
            if trial is not None:
                one = partial(jax.tree.map, lambda array, lane=lane: array[lane].copy())
                trial.settle(*(one(tree) for tree in (carry, fixed, best)))

    def _evaluated(self, carry: Any) -> dict[str, Any]:
        return {**carry.buffers, **carry.weights, **carry.average}

    def _lanes(self) -> tuple[Any, ...]:
        first = next(trial for trial in self.trials if trial is not None)
        filled = [trial or first for trial in self.trials]
        settings = np.stack([trial.settings for trial in filled])
        draws = Draws(*(np.stack(parts) for parts in zip(*(t.draws for t in filled), strict=True)))
        order = np.stack([trial.order for trial in filled])
        weight: Any = first.shape.tables.train.weight
        if self.features.weighs:
            weight = np.stack([trial.example_weight for trial in filled])
        return (self.fixed, *self.place((settings, draws, order, weight)))


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)
