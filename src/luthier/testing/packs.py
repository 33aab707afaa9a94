"""The laws of packs. Subclass `PackLaws`, override its fixtures, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from luthier.core import Captured, Curves, Engine, Framework, Recipe, State
from luthier.testing import arrays as data
from luthier.testing.bench import CASES, EPOCHS, SMALL, Bench, differ
from luthier.testing.expect import same

NAMES = (
    "adam with cosine",
    "plateau that decays",
    "average with batch norm",
    "penalties, decay and clipping",
    "smoothing and class weights",
    "mixup",
    "noise",
    "dropout",
    "dropout of channels",
    "categories",
    "frozen",
)


class PackLaws:
    """What holds for an engine that trains several trials at once, beside `EngineLaws`.

    Neighbours, slot and time of entry change a trial by rounding alone. So trials are compared
    in double precision, where rounding cannot grow to anything in a few epochs.

    Attributes:
        near: Largest relative difference of losses that is rounding.
    """

    near: float = 1e-9

    @pytest.fixture
    def engine(self) -> Engine:
        """Return a new engine with four slots or more."""
        raise NotImplementedError("override the fixture `engine`")

    @pytest.fixture
    def framework(self) -> Framework:
        """Return the framework whose networks the engine trains."""
        raise NotImplementedError("override the fixture `framework`")

    @pytest.fixture
    def bench(self, engine: Engine, framework: Framework) -> Bench:
        """Return both together."""
        return Bench(engine, framework)

    @pytest.mark.parametrize("name", NAMES)
    def test_a_trial_is_what_it_is_alone(self, bench: Bench, name: str) -> None:
        case = CASES[name]
        recipe, arrays = case.recipe.replace({"precision": "float64"}), case.arrays()
        alone, state = bench.train(recipe, arrays, seed=3)
        others = [recipe.replace({"learning_rate": recipe.learning_rate * x}) for x in (0.3, 2)]
        self.fill(bench, arrays, {0: (others[0], 1), 1: (others[1], 2), 2: (recipe, 3)})
        together = bench.engine.run(dict.fromkeys(range(3), EPOCHS))
        self.alike(together[2], alone)
        self.alike_states(bench.engine.take(2), state)
        differ(together[0].train_loss, alone.train_loss)

    def test_a_trial_may_enter_late_and_go_on_elsewhere(self, bench: Bench) -> None:
        recipe, arrays = CASES["dropout"].recipe.replace({"precision": "float64"}), data.classes()
        alone, state = bench.train(recipe, arrays, seed=3)
        rest = {slot: (recipe, slot + 10) for slot in range(4)}
        captured = self.fill(bench, arrays, rest)
        bench.engine.run({0: 1, 1: 2, 2: 1, 3: 1})
        bench.engine.put(2, recipe, 3, self.initial(bench, captured, recipe, arrays))
        first = bench.engine.run({0: 2, 1: 4, 2: 2})[2]
        moved = bench.engine.take(2)
        bench.engine.put(0, recipe, 3, moved)
        bench.engine.put(2, recipe, 77, self.initial(bench, captured, recipe, arrays))
        second = bench.engine.run({0: EPOCHS, 2: 1, 3: 3})[0]
        self.alike(first + second, alone)
        self.alike_states(bench.engine.take(0), state)

    def test_slots_that_are_not_named_stay(self, bench: Bench) -> None:
        arrays = data.classes()
        self.fill(bench, arrays, {0: (SMALL, 1), 1: (SMALL, 2)})
        bench.engine.run({0: 2, 1: 2})
        before = bench.engine.take(1)
        bench.engine.run({0: EPOCHS})
        after = bench.engine.take(1)
        for name, value in before.arrays.items():
            same((name, after.arrays[name].tolist()), (name, value.tolist()))
        same(len(bench.engine.run({0: EPOCHS, 1: EPOCHS})[1]), EPOCHS - 2)

    def test_each_trial_drops_at_its_own_rate(self, bench: Bench) -> None:
        arrays, case = data.classes(), CASES["dropout"].recipe.replace({"precision": "float64"})
        recipes = [case.replace({"dropout": rate}) for rate in (0.1, 0.5, 0.3)]
        alone = [bench.train(recipe, arrays, seed=3)[0] for recipe in recipes]
        for slot, recipe in enumerate(recipes):
            captured = bench.accepted(recipe, arrays, 3)
            bench.engine.open(captured, arrays)  # as trials come: one after the other
            bench.engine.put(slot, recipe, 3, captured.initial)
        together = bench.engine.run(dict.fromkeys(range(3), EPOCHS))
        for slot, curves in enumerate(alone):
            self.alike(together[slot], curves)
        differ(alone[0].train_loss, alone[1].train_loss)

    def test_trials_may_be_at_different_epochs(self, bench: Bench) -> None:
        arrays = data.classes()
        self.fill(bench, arrays, {slot: (SMALL, slot) for slot in range(3)})
        wanted = [{0: 1, 1: 3, 2: 2}, {0: 4, 1: 3, 2: 3}, {0: 4, 1: 4, 2: 4}]
        lengths = [{s: len(c) for s, c in bench.engine.run(until).items()} for until in wanted]
        same(lengths, [{0: 1, 1: 3, 2: 2}, {0: 3, 1: 0, 2: 1}, {0: 0, 1: 1, 2: 1}])

    def test_a_neighbour_that_diverges_does_no_harm(self, bench: Bench) -> None:
        recipe = SMALL.replace({"optimizer": "sgd", "precision": "float64"})
        arrays = data.numbers()
        alone, _ = bench.train(recipe, arrays, seed=3)
        wild = recipe.replace({"learning_rate": 1e250})
        self.fill(bench, arrays, {0: (recipe, 3), 1: (wild, 3)})
        curves = bench.engine.run({0: EPOCHS, 1: EPOCHS})
        self.alike(curves[0], alone)
        same((curves[1].finite, len(curves[1]) < EPOCHS), (False, True))
        same(len(bench.engine.run({0: EPOCHS, 1: EPOCHS})[1]), 0)

    def test_the_weights_kept_are_those_of_each_ones_best_epoch(self, bench: Bench) -> None:
        recipe = SMALL.replace({"learning_rate": 0.3, "epochs": 8})
        arrays = data.classes(metric="accuracy")
        self.fill(bench, arrays, {slot: (recipe, slot) for slot in range(4)})
        curves = bench.engine.run(dict.fromkeys(range(4), 8))
        for slot in range(4):
            best = curves[slot].best_epoch("accuracy", "maximize") or 0
            score = bench.score(recipe, arrays, bench.engine.take(slot), arrays.val)
            same(math.isclose(score, curves[slot].metrics["accuracy"][best - 1]), True)

    def fill(self, bench: Bench, arrays: Any, trials: Mapping[int, tuple[Recipe, int]]) -> Captured:
        """Put trials in slots, each from its own start; return what one was captured as."""
        made = {
            slot: bench.accepted(recipe, arrays, seed) for slot, (recipe, seed) in trials.items()
        }
        first = next(iter(made.values()))
        bench.engine.open(first, arrays)
        for slot, (recipe, seed) in trials.items():
            bench.engine.put(slot, recipe, seed, made[slot].initial)
        return first

    def initial(self, bench: Bench, captured: Captured, recipe: Recipe, arrays: Any) -> State:
        """Return the state that seed 3 starts from."""
        return bench.initial(recipe, arrays, 3)

    def alike(self, found: Curves, alone: Curves) -> None:
        """Fail where curves differ by more than rounding."""
        for name in ("train_loss", "train_loss_eval", "penalty", "val_loss"):
            close(getattr(found, name), getattr(alone, name), self.near)
        same(found.learning_rate, alone.learning_rate)
        for name, series in alone.metrics.items():
            close(found.metrics[name], series, self.near)

    def alike_states(self, found: State, alone: State) -> None:
        """Fail where states differ by more than rounding."""
        same(sorted(found.arrays), sorted(alone.arrays))
        for name, value in alone.arrays.items():
            largest = float(np.abs(value).max(initial=0.0))
            np.testing.assert_allclose(
                found.arrays[name], value, rtol=0, atol=1e3 * self.near * max(largest, 1e-6)
            )
        close([found.extra["best"] or 0.0], [alone.extra["best"] or 0.0], self.near)


def close(found: Sequence[float], expected: Sequence[float], share: float) -> None:
    """Fail where numbers differ by more than a share of theirs."""
    np.testing.assert_allclose(found, expected, rtol=share, atol=share * 1e-3)
