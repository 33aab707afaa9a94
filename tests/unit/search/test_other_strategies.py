"""What each of the other strategies is for."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from luthier import search
from luthier.core import Categorical, Float, History, Int, LuthierError, Recipe, Space
from luthier.search.grid import Grid
from luthier.search.hyperband import Hyperband
from luthier.search.optuna import Optuna
from luthier.search.promotion import promotions, within
from luthier.search.random import Random
from luthier.search.sobol import Sobol
from luthier.search.tpe import TPE
from luthier.testing.strategies import FULL, SPACE, bowl, simulate


class TestSobol:
    def test_its_trials_cover_each_range_more_evenly_than_random_ones(self):
        def gaps(strategy) -> float:
            history = simulate(strategy, decisions=8)[-1][0]
            places = np.array([SPACE.encode(t.recipe) for t in history.trials[1:]])[:, 1]
            return float(np.histogram(places, bins=8, range=(0, 1))[0].std())

        assert gaps(Sobol()) < gaps(Random())

    def test_what_was_found_changes_nothing(self):
        first, other = (
            [step.recipe for _, steps in simulate(Sobol(), curve=curve) for step in steps]
            for curve in (bowl, lambda recipe, epoch: -bowl(recipe, epoch))
        )
        assert first == other


class TestGrid:
    SPACE = Space(
        {
            "optimizer": Categorical("adamw", "sgd"),
            "learning_rate": Float(1e-3, 1e-1, log=True),
            "model.depth": Int(1, 2),
        },
        Recipe(epochs=FULL, model={"depth": 1}),
    )

    def test_every_combination_is_tried_once(self):
        seen = simulate(Grid(resolution=3), self.SPACE, decisions=50)
        assert seen[-1][1] == []
        recipes = {
            (t.recipe.optimizer, t.recipe.learning_rate, t.recipe.model["depth"])
            for t in seen[-1][0].trials
        }
        assert len(recipes) == 2 * 3 * 2  # the baseline is one of them
        assert {rate for _, rate, _ in recipes} == {1e-3, 1e-2, 1e-1}

    def test_a_short_budget_has_seen_more_than_a_corner(self):
        history = simulate(Grid(), self.SPACE, decisions=2)[-1][0]
        assert {t.recipe.optimizer for t in history.trials} == {"adamw", "sgd"}
        assert len({t.recipe.learning_rate for t in history.trials}) == 4

    def test_billions_of_combinations_are_no_trouble(self):
        space = Space({f"model.x{i}": Float(0, 1) for i in range(16)}, Recipe(epochs=FULL))
        assert len(Grid()(space, History(), default_rng(0))) == 8


class TestHyperband:
    def test_brackets_have_the_shares_of_the_paper(self):
        counts = np.bincount([Hyperband().bracket(n, 4) for n in range(1, 50)])
        assert counts.tolist() == [27, 12, 6, 4]

    def test_trials_start_at_the_rung_of_their_bracket(self):
        _, steps = simulate(Hyperband(), decisions=1)[0]
        assert {step.until for step in steps[1:]} == {2, 6, 18, FULL}

    def test_a_trial_is_compared_with_those_of_its_own_bracket(self):
        history = simulate(Hyperband(), decisions=40)[-1][0]
        late = [t for t in history.trials[1:] if Hyperband().bracket(t.number, 4) == 2]
        assert all(t.epochs >= 18 for t in late if t.state != "failed")


class TestTPE:
    def test_it_proposes_near_the_good_ones(self):
        history = simulate(TPE(), decisions=30)[-1][0]
        rates = [abs(math.log10(t.recipe.learning_rate) + 2) for t in history.trials]
        assert np.median(rates[-20:]) < np.median(rates[1:11])

    def test_choices_are_learned(self):
        def adamw_is_better(recipe, epoch):
            return bowl(recipe, epoch) + (recipe.optimizer != "adamw")

        history = simulate(TPE(), decisions=30, curve=adamw_is_better)[-1][0]
        chosen = [t.recipe.optimizer == "adamw" for t in history.trials]
        assert np.mean(chosen[-20:]) > 0.6


class TestOptuna:
    def test_without_optuna_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "optuna", None)
        with pytest.raises(LuthierError, match=r"pip install 'luthier\[optuna\]'"):
            Optuna()(SPACE, History(), default_rng(0))

    def test_a_sampler_that_it_does_not_have_is_answered_with_the_nearest(self):
        pytest.importorskip("optuna")
        with pytest.raises(LuthierError, match="Did you mean 'TPESampler'"):
            search.by_name("optuna:TPESamplr")(SPACE, History(), default_rng(0))

    @pytest.mark.parametrize("sampler", ["TPESampler", "RandomSampler", "QMCSampler"])
    def test_samplers_search_mixed_and_conditional_spaces(self, sampler: str):
        pytest.importorskip("optuna")
        history = simulate(search.by_name(f"optuna:{sampler}"), decisions=20)[-1][0]
        assert {t.recipe.optimizer for t in history.trials} == {"adamw", "momentum"}
        assert history.loss(history.best) < bowl(SPACE.baseline, FULL)


class TestPromotions:
    def test_from_a_small_rung_as_many_go_on_as_are_asked_for(self):
        history = simulate(Hyperband(), decisions=1)[0][0]
        assert promotions(history.trials, [2, 4], 3, history.loss) == []
        trials = simulate(Random(batch=2), SPACE, decisions=2)[-1][0].trials
        paused = [t for t in trials if t.number == 1]
        cut = [replace(t, state="paused") for t in paused]
        assert promotions(cut, [FULL, 2 * FULL], 3, history.loss) == []
        (step,) = promotions(cut, [FULL, 2 * FULL], 3, history.loss, least=1)
        assert step.trial == 1

    def test_a_decision_leaves_the_reserve_alone(self):
        steps = simulate(Random(), decisions=1)[0][1]
        assert len(within(steps, History(epochs_left=9 * FULL), FULL, 2.0)) == 7
        assert len(within(steps, History(epochs_left=4 * FULL), FULL, 2.0)) == 3
        assert len(within(steps, History(epochs_left=FULL), FULL, 2.0)) == 1
