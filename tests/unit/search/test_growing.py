"""Ranges follow what was found, never beyond a limit, and every trial keeps its place."""

import math
from dataclasses import replace

import numpy as np
import pytest

from luthier.core import Categorical, Conditional, Curves, Float, History, Recipe, Space, Trial
from luthier.search.freeze_thaw import FreezeThaw
from luthier.search.growing import grown, within
from luthier.testing.strategies import simulate

RATE = Float(1e-4, 1e-2, log=True)
SPACE = Space({"learning_rate": RATE, "dropout": Float(0.0, 0.5)}, Recipe(epochs=8, dropout=0.1))
LIMITS = {"learning_rate": (0.0, 100.0), "dropout": (0.0, 0.999)}


def trials(losses, *, space=SPACE, count=20, **fixed):
    """Return a history of random recipes, with a loss for each recipe; NaN fails."""
    rng, made = np.random.default_rng(0), []
    for number in range(count):
        recipe = space.decode(rng.random(space.dimensions).tolist()).replace(fixed)
        loss = losses(recipe)
        state = "finished" if math.isfinite(loss) else "failed"
        curves = Curves(metrics={"val_loss": (loss,)})
        made.append(Trial(number, recipe, 0, state, curves=curves))
    return History(tuple(made))


def rising(recipe):
    """Return a loss that is the lower, the higher the rate."""
    return 5.0 - math.log10(recipe.learning_rate)


class TestWider:
    def test_the_best_at_an_end_move_it_by_an_order_of_magnitude_at_most(self):
        space, (moved,) = grown(SPACE, trials(rising), LIMITS)
        assert space.parameters["learning_rate"] == Float(1e-4, 1e-1, log=True)
        assert space.parameters["dropout"] == SPACE.parameters["dropout"]
        assert str(moved) == (
            "learning_rate: the best trials lie at the end of 0.0001 to 0.01; searched to 0.1, too"
        )

    def test_the_best_in_the_middle_move_nothing(self):
        history = trials(lambda recipe: abs(math.log10(recipe.learning_rate) + 3))
        assert grown(SPACE, history, LIMITS) == (SPACE, [])

    def test_few_trials_move_nothing(self):
        assert grown(SPACE, trials(rising, count=11), LIMITS) == (SPACE, [])

    def test_ranges_without_limits_are_the_users_word(self):
        assert grown(SPACE, trials(rising), {}) == (SPACE, [])

    def test_never_beyond_a_limit(self):
        space, _ = grown(SPACE, trials(rising), {"learning_rate": (0.0, 0.02)})
        assert space.parameters["learning_rate"].high == 0.02

    @pytest.mark.parametrize("end", [1, -1])
    def test_step_by_step_it_grows_two_orders_and_no_further(self, end: int):
        def at_the_end(recipe):
            return 9.0 - end * math.log10(recipe.learning_rate)

        history, space = trials(at_the_end), SPACE
        for _ in range(5):
            space, _ = grown(SPACE, history, LIMITS)
            more = trials(at_the_end, space=space, count=40)
            history = History(tuple(replace(t, number=i) for i, t in enumerate(more.trials)))
        rate = space.parameters["learning_rate"]
        assert (rate.low, rate.high) == ((1e-4, 1.0) if end > 0 else (1e-6, 1e-2))

    def test_what_was_tried_beyond_a_bound_keeps_its_place(self):
        history = trials(lambda recipe: abs(math.log10(recipe.learning_rate) + 3))
        far = replace(history.trials[0], recipe=Recipe(learning_rate=0.05, dropout=0.1))
        history = History((far, *history.trials[1:]))
        space, _ = grown(SPACE, history, LIMITS)
        assert space.parameters["learning_rate"].high == 0.05
        assert space.decode(space.encode(far.recipe)).learning_rate == pytest.approx(0.05)

    def test_a_baseline_without_any_of_it_is_no_reason_to_search_there(self):
        space = Space({"weight_decay": Float(1e-3, 1.0, log=True)}, Recipe(epochs=8))
        history = trials(lambda recipe: recipe.weight_decay, space=space)
        none = replace(history.trials[0], recipe=Recipe(weight_decay=0.0))
        history = History((none, *history.trials[1:]))
        now, _ = grown(space, history, {"weight_decay": (0.0, math.inf)})
        assert 0 < now.parameters["weight_decay"].low <= 1e-3

    def test_of_a_range_that_depends_on_another_the_case_moves(self):
        rates = {"adamw": RATE, "sgd": Float(1e-2, 1.0, log=True)}
        space = Space(
            {
                "optimizer": Categorical("adamw", "sgd"),
                "learning_rate": Conditional("optimizer", rates),
            },
            Recipe(epochs=8),
        )
        history = trials(
            lambda recipe: rising(recipe) if recipe.optimizer == "adamw" else 20.0,
            space=space,
            count=40,
        )
        now, (moved,) = grown(space, history, LIMITS)
        assert moved.name == "learning_rate (optimizer adamw)"
        assert now.parameters["learning_rate"].cases["sgd"] == rates["sgd"]


class TestNarrower:
    def failing(self, recipe):
        return math.nan if recipe.learning_rate > 1e-3 else 1.0 + recipe.dropout

    def test_where_all_fail_it_searches_no_further(self):
        history = trials(self.failing, count=30)
        space, (moved,) = grown(SPACE, history, LIMITS)
        assert 1e-3 < space.parameters["learning_rate"].high < 2e-3
        assert "fail" in str(moved)

    def test_a_few_failures_move_nothing(self):
        history = trials(lambda r: math.nan if r.learning_rate > 9e-3 else 1.0 + r.dropout)
        assert grown(SPACE, history, LIMITS) == (SPACE, [])

    def test_where_everything_fails_the_range_is_not_to_blame(self):
        assert grown(SPACE, trials(lambda recipe: math.nan), LIMITS) == (SPACE, [])

    def test_failures_beyond_it_are_told_by_the_range_alone(self):
        history = trials(self.failing, count=30)
        space, _ = grown(SPACE, history, LIMITS)
        seen = within(space, history)
        assert [t.number for t in seen.trials] == [t.number for t in history.trials]
        failed = [t for t in seen.trials if t.state == "failed"]
        assert all(t.recipe.learning_rate <= space.parameters["learning_rate"].high for t in failed)


def test_a_search_finds_an_optimum_outside_of_its_range():
    def bowl(recipe, epoch):
        return 0.1 + abs(math.log10(recipe.learning_rate) + 1) + 1.0 / epoch

    def following(space, history, rng):
        now, _ = grown(space, history, LIMITS)
        return FreezeThaw()(now, within(now, history), rng)

    history, _ = simulate(following, SPACE, decisions=200, epochs=30 * 8, curve=bowl)[-1]
    assert 0.05 < history.best.recipe.learning_rate < 0.2
