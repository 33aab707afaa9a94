"""Freeze-thaw goes on with what may become the best, and nothing throws it off its way."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its library is one of those that compute
from threadpoolctl import ThreadpoolController

from luthier.core import (
    Categorical,
    Conditional,
    Curves,
    Float,
    History,
    Int,
    Recipe,
    Space,
    Step,
    Trial,
)
from luthier.search import freeze_thaw
from luthier.search.freeze_thaw import FreezeThaw
from luthier.search.halving import Halving
from luthier.testing.strategies import FULL, SPACE, bowl, simulate

MIXED = Space(
    {
        "optimizer": Categorical("adamw", "momentum"),
        "learning_rate": Conditional(
            "optimizer",
            {"adamw": Float(1e-4, 1e-1, log=True), "momentum": Float(1e-3, 1.0, log=True)},
        ),
        "momentum": Conditional("optimizer", {"momentum": Float(0.8, 0.99)}),
        "dropout": Float(0.0, 0.5),
        "model.width": Int(16, 512, log=True),
        "model.depth": Int(1, 4),
        "model.activation": Categorical("relu", "gelu", "silu"),
    },
    Recipe(epochs=32, dropout=0.1, model={"width": 64, "depth": 2, "activation": "relu"}),
)


def found(strategy, epochs, seed=0, curve=bowl, space=SPACE, decisions=300):
    """Return the best loss after a budget of epochs."""
    history, _ = simulate(
        strategy, space, decisions=decisions, seed=seed, epochs=epochs, curve=curve
    )[-1]
    return history.loss(history.best)


def crossing(recipe, epoch):
    """Return a loss that falls the slower, the lower it ends: early ranks are upside down."""
    slow = abs(math.log10(recipe.learning_rate) + 3)
    return 0.2 * slow + (3.0 - slow) * math.exp(-epoch / (4.0 + 3 * (3 - slow)))


def mixed(recipe, epoch):
    width = abs(math.log2(recipe.model["width"] / 128)) / 3
    choice = {"relu": 0.3, "gelu": 0.0, "silu": 0.1}[recipe.model["activation"]]
    return bowl(recipe, epoch) + width + choice + 0.1 * recipe.model["depth"]


class TestItsWay:
    def test_the_first_rung_is_a_sixteenth_and_never_the_first_epoch(self):
        assert FreezeThaw().rungs(160)[0] == 10
        assert FreezeThaw().rungs(5)[0] == 2
        assert FreezeThaw().rungs(1) == [1]

    def test_the_baseline_reaches_its_end_before_the_budget_does(self):
        def worst(recipe, epoch):
            return 9.0 if recipe == SPACE.baseline else bowl(recipe, epoch)

        history, _ = simulate(FreezeThaw(), decisions=300, epochs=12 * FULL, curve=worst)[-1]
        assert history.trials[0].epochs == FULL

    def test_at_most_half_of_a_batch_is_new_once_there_is_enough_to_go_on_with(self):
        for history, steps in simulate(FreezeThaw(), decisions=40)[1:]:
            paused = sum(trial.state == "paused" for trial in history.trials)
            if paused >= FreezeThaw().batch:
                assert sum(step.trial is None for step in steps) <= FreezeThaw().batch / 2

    def test_it_needs_fewer_epochs_than_halving(self):
        better = [
            found(FreezeThaw(), 15 * FULL, s) < found(Halving(), 15 * FULL, s) for s in (0, 1, 2)
        ]
        assert sum(better) >= 2

    def test_slow_starters_that_end_best_are_found(self):
        lowest = crossing(Recipe(learning_rate=1e-3), FULL)
        assert found(FreezeThaw(), 20 * FULL, curve=crossing) < lowest + 0.15

    def test_choices_and_whole_numbers_are_searched_too(self):
        history, _ = simulate(FreezeThaw(), MIXED, decisions=300, epochs=20 * 32, curve=mixed)[-1]
        best = history.best.recipe
        assert best.model["activation"] != "relu"
        assert history.loss(history.best) < mixed(MIXED.baseline, 32) - 0.5


class TestBadTrials:
    def test_a_region_that_diverges_is_left_alone(self):
        def steep(recipe, epoch):
            return math.nan if recipe.learning_rate > 0.02 else bowl(recipe, epoch)

        rng = np.random.default_rng(0)
        drawn = [SPACE.decode(point) for point in rng.random((500, 3)).tolist()]
        volume = np.mean([recipe.learning_rate > 0.02 for recipe in drawn])
        history, _ = simulate(FreezeThaw(), decisions=300, epochs=15 * FULL, curve=steep)[-1]
        failed = np.mean([trial.state == "failed" for trial in history.trials])
        assert failed < 0.7 * volume
        assert history.loss(history.best) < 0.2

    def test_losses_of_a_billion_do_not_blind_it(self):
        def wild(recipe, epoch):
            return (
                1e9 * recipe.learning_rate if (recipe.dropout or 0.0) > 0.3 else bowl(recipe, epoch)
            )

        assert found(FreezeThaw(), 15 * FULL, curve=wild) < 0.4

    def test_a_study_in_which_all_fails_goes_on_with_other_recipes(self):
        seen = simulate(FreezeThaw(), decisions=6, curve=lambda recipe, epoch: math.nan)
        assert all(step.trial is None for _, steps in seen for step in steps)
        assert all(steps for _, steps in seen)

    def test_a_constant_loss_is_no_reason_to_stop(self):
        seen = simulate(FreezeThaw(), decisions=10, curve=lambda recipe, epoch: 1.0)
        assert all(steps for _, steps in seen)


class TestOtherWorkers:
    def test_what_runs_elsewhere_is_not_chosen_and_counts_as_known(self):
        history = simulate(FreezeThaw(), decisions=10)[-1][0]
        running = tuple(
            replace(trial, state="running", until=trial.epochs + 2)
            if trial.state == "paused" and trial.number % 2
            else trial
            for trial in history.trials
        )
        steps = FreezeThaw()(SPACE, replace(history, trials=running), np.random.default_rng(0))
        going = {step.trial for step in steps if step.trial is not None}
        assert {running[number].state for number in going} <= {"paused"}

    def test_trials_that_were_evicted_teach_and_do_not_go_on(self):
        history = simulate(FreezeThaw(), decisions=10)[-1][0]
        pruned = tuple(
            replace(trial, state="pruned") if trial.state == "paused" else trial
            for trial in history.trials
        )
        steps = FreezeThaw()(SPACE, replace(history, trials=pruned), np.random.default_rng(0))
        assert len(steps) == FreezeThaw().batch
        assert all(step.trial is None for step in steps)


class TestBudgets:
    def test_without_new_trials_left_it_goes_on_with_those_there_are(self):
        history = replace(simulate(FreezeThaw(), decisions=5)[-1][0], trials_left=0)
        steps = FreezeThaw()(SPACE, replace(history, epochs_left=500.0), np.random.default_rng(0))
        assert steps
        assert all(step.trial is not None for step in steps)

    def test_a_budget_of_trials_ends_with_the_best_one_at_its_end(self):
        history = replace(simulate(FreezeThaw(), decisions=5)[-1][0], trials_left=0)
        rng = np.random.default_rng(0)
        steps = FreezeThaw()(SPACE, history, rng)
        assert steps in ([Step(FULL, trial=0)], [Step(FULL, trial=history.best.number)])

    def test_where_compiling_costs_time_new_recipes_have_known_structures(self):
        history = simulate(FreezeThaw(), MIXED, decisions=8, curve=mixed)[-1][0]
        costly = replace(history, setup=100.0, seconds=1.0)
        known = {trial.recipe.structure for trial in history.trials}
        for seed in range(3):
            steps = FreezeThaw()(MIXED, costly, np.random.default_rng(seed))
            new = [step.recipe for step in steps if step.recipe is not None]
            assert {recipe.structure for recipe in new} <= known

    def test_a_decision_is_cheap_at_five_hundred_trials(self):
        history = _many(500)
        strategy, rng = FreezeThaw(), np.random.default_rng(0)
        taken = []
        for _ in range(4):
            began = time.process_time()
            steps = strategy(MIXED, history, rng)
            taken.append((time.process_time() - began) / len(steps))
        assert min(taken) < 0.03  # 0.012 s on a quiet core

    def test_it_computes_on_one_thread_and_leaves_the_process_its_own(self, monkeypatch):
        pools = ThreadpoolController().select(user_api="blas")
        seen = []

        def watched(*given):
            seen.extend(pool["num_threads"] for pool in pools.info())
            return belief(*given)

        belief = freeze_thaw.Belief.of
        monkeypatch.setattr(freeze_thaw.Belief, "of", watched)
        with pools.limit(limits=2):
            FreezeThaw()(MIXED, _many(40), np.random.default_rng(0))
            assert {pool["num_threads"] for pool in pools.info()} == {2}
        assert set(seen) == {1}


def _many(count: int) -> History:
    rng = np.random.default_rng(0)
    trials = []
    for number in range(count):
        recipe = MIXED.decode(rng.random(MIXED.dimensions).tolist()) if number else MIXED.baseline
        epochs = FreezeThaw().rungs(32)[min(int(rng.exponential(0.8)), 4)] if number else 32
        values = tuple(mixed(recipe, epoch) for epoch in range(1, epochs + 1))
        state = "finished" if epochs == 32 else "paused"
        trials.append(Trial(number, recipe, 0, state, curves=Curves(metrics={"val_loss": values})))
    return History(tuple(trials), epochs_left=1e4)


class TestWhatTheUserThinks:
    def space(self, *likely: float) -> Space:
        rate = Float(1e-5, 1.0, log=True, likely=likely or None)
        return Space(
            {"learning_rate": rate, "dropout": Float(0.0, 0.5)},
            Recipe(epochs=FULL, dropout=0.4, learning_rate=0.5),
        )

    def test_half_of_the_first_trials_lie_there(self):
        space = self.space(5e-3, 2e-2)
        (_, steps), *_ = simulate(FreezeThaw(batch=10), space, decisions=1, epochs=30 * FULL)
        there = [5e-3 <= step.recipe.learning_rate <= 2e-2 for step in steps[2:]]
        assert 4 <= sum(there) <= 6

    def test_the_second_trial_is_the_middle_of_it_and_the_baseline_elsewhere(self):
        (_, steps), *_ = simulate(FreezeThaw(), self.space(5e-3, 2e-2), decisions=1)
        assert steps[0].recipe.learning_rate == 0.5
        assert steps[1].recipe.learning_rate == pytest.approx(1e-2)
        assert steps[1].recipe.dropout == 0.4
        (_, alone), *_ = simulate(FreezeThaw(batch=1), self.space(5e-3, 2e-2), decisions=1)
        assert [step.recipe.learning_rate for step in alone] == [0.5]

    def test_few_trainings_look_nowhere_else(self):
        space = self.space(5e-3, 2e-2)
        (_, steps), *_ = simulate(FreezeThaw(batch=9), space, decisions=1, epochs=3 * FULL)
        assert all(5e-3 <= step.recipe.learning_rate <= 2e-2 for step in steps[1:])

    def test_it_helps_where_it_is_right(self):
        right, nothing = (
            np.mean([found(FreezeThaw(), 4 * FULL, seed, space=space) for seed in range(4)])
            for space in (self.space(5e-3, 2e-2), self.space())
        )
        assert right < nothing

    def test_it_is_overcome_where_it_is_wrong(self):
        assert found(FreezeThaw(), 15 * FULL, space=self.space(0.3, 1.0)) < 0.3
