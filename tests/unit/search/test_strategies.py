"""Every strategy keeps the laws, and does on known curves what it is for."""

from dataclasses import replace
from pathlib import Path

import pytest
from numpy.random import default_rng

from luthier import search
from luthier.core import Categorical, History, LuthierError, Recipe, Space, Step, Strategy
from luthier.search.halving import Halving
from luthier.search.quasirandom import new_recipes, points
from luthier.search.random import Random
from luthier.testing.strategies import FULL, SPACE, StrategyLaws, bowl, simulate


@pytest.mark.parametrize("name", [name for name, _ in search.ALL])
class TestStrategies(StrategyLaws):
    @pytest.fixture
    def strategy(self, name: str) -> Strategy:
        if name == "optuna":
            pytest.importorskip("optuna")
        return search.by_name(name)


def test_every_file_of_the_family_has_its_entry():
    folder = Path(search.__file__).parent
    helpers = {
        "__init__",
        "bounded",
        "earlier",
        "few",
        "growing",
        "informed",
        "median",
        "neighbours",
        "promotion",
        "quasirandom",
        "race",
        "rounds",
        "scalarised",
        "structures",
    }
    files = {path.stem for path in folder.glob("*.py")} - helpers
    assert files == {name for name, _ in search.ALL}


def test_an_unknown_strategy_is_answered_with_the_nearest():
    with pytest.raises(LuthierError, match=r"Did you mean 'halving'"):
        search.by_name("halvin")


class TestRandom:
    def test_every_trial_runs_to_its_end(self):
        seen = simulate(Random(), decisions=5)
        assert {step.until for _, steps in seen for step in steps} == {FULL}

    def test_what_was_found_changes_nothing(self):
        first, other = (
            [step.recipe for _, steps in simulate(Random(), curve=curve) for step in steps]
            for curve in (bowl, lambda recipe, epoch: -bowl(recipe, epoch))
        )
        assert first == other

    def test_no_more_than_the_trials_that_are_left(self):
        history = replace(History(), trials_left=3)
        assert len(Random()(SPACE, history, default_rng(0))) == 3


class TestHalving:
    def test_the_baseline_runs_to_its_end_at_once(self):
        _, steps = simulate(Halving(), decisions=1)[0]
        assert steps[0].until == FULL
        assert {step.until for step in steps[1:]} == {Halving().rungs(FULL)[0]}

    def test_a_baseline_that_was_cut_short_is_finished_first(self):
        history = simulate(Halving(), decisions=4)[-1][0]
        cut = replace(history.trials[0], state="paused", curves=history.trials[0].curves.upto(5))
        history = replace(history, trials=(cut, *history.trials[1:]))
        assert Halving()(SPACE, history, default_rng(0)) == [Step(FULL, trial=0)]

    def test_about_one_in_three_goes_on_from_a_rung(self):
        history = simulate(Halving(), decisions=30)[-1][0]
        first, second = Halving().rungs(FULL)[:2]
        reached = [t for t in history.trials if t.epochs >= first]
        promoted = [t for t in history.trials if t.epochs >= second]
        assert 0.25 <= len(promoted) / len(reached) <= 0.4

    def test_the_promoted_are_the_best_of_their_rung(self):
        history = simulate(Halving(), decisions=30)[-1][0]
        rung = Halving().rungs(FULL)[0]
        promoted = [history.loss(t, rung) for t in history.trials[1:] if t.epochs > rung]
        left = [history.loss(t, rung) for t in history.trials[1:] if t.epochs == rung]
        assert sorted(promoted)[len(promoted) // 2] < min(sorted(left)[len(left) // 4 :])

    def test_it_finds_a_better_recipe_than_the_baseline(self):
        history = simulate(Halving(), decisions=60)[-1][0]
        best = history.best
        assert history.loss(best) < bowl(SPACE.baseline, FULL) / 2

    def test_a_run_of_one_epoch_has_one_rung(self):
        assert Halving().rungs(1) == [1]


class TestQuasirandom:
    def test_points_fill_the_cube_evenly(self):
        drawn = points(2, 0, 64, seed=0)
        cells = {(int(x * 4), int(y * 4)) for x, y in drawn}
        assert len(cells) == 16

    def test_a_sequence_in_pieces_is_the_same_sequence(self):
        whole = points(3, 0, 16, seed=1)
        assert (whole[5:9] == points(3, 5, 4, seed=1)).all()

    def test_a_space_that_is_used_up_gives_fewer(self):
        space = Space({"optimizer": Categorical("adamw", "sgd", "adam")}, Recipe())
        assert len(new_recipes(space, History(), 8)) == 2

    def test_an_empty_space_gives_none(self):
        assert new_recipes(Space({}, Recipe()), History(), 8) == []
