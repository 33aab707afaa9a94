"""Trainings of another length tell a search where to look, and win nothing."""

from dataclasses import replace

import numpy as np

from luthier import search
from luthier.core import Curves, Float, Goal, History, Recipe, Space, Trial
from luthier.search.earlier import FAR, Following, best_recipes, comparable
from luthier.search.freeze_thaw import FreezeThaw
from luthier.search.random import Random
from luthier.search.surrogate.belief import Belief
from luthier.search.surrogate.features import Features
from luthier.search.surrogate.kernel import Inputs
from luthier.testing.strategies import bowl, simulate

SPACE = Space(
    {"learning_rate": Float(1e-4, 1.0, log=True), "dropout": Float(0.0, 0.5)}, Recipe(epochs=32)
)


def trained(number, epochs=12, length=12, **values):
    """Return a trial of another length."""
    recipe = Recipe(epochs=length, **values)
    losses = tuple(bowl(recipe, epoch) for epoch in range(1, epochs + 1))
    return Trial(number, recipe, 0, "finished", curves=Curves(metrics={"val_loss": losses}))


def before(count=24):
    """Return a study of shorter trainings, spread over the space."""
    draws = np.random.default_rng(0).random((count, 2))
    recipes = [SPACE.decode(point) for point in draws.tolist()]
    return tuple(
        trained(i, learning_rate=one.learning_rate, dropout=one.dropout)
        for i, one in enumerate(recipes)
    )


class TestComparable:
    def test_they_are_numbered_beyond_the_study_s_own(self):
        found = comparable(SPACE, History(earlier=before(3)))
        assert [trial.number for trial in found] == [FAR, FAR + 1, FAR + 2]

    def test_what_the_space_cannot_say_is_left_out(self):
        trials = (
            trained(0, learning_rate=2.0),  # beyond the range
            trained(1, learning_rate=0.1, weight_decay=0.5),  # which does not vary here
            trained(2, learning_rate=0.1),
        )
        found = comparable(SPACE, History(earlier=trials))
        assert [trial.number for trial in found] == [FAR + 2]

    def test_the_best_come_first_and_have_the_study_s_length(self):
        trials = (
            trained(0, learning_rate=0.5),
            trained(1, learning_rate=0.01),
            trained(2, epochs=2, learning_rate=0.01, dropout=0.2),  # no whole training
        )
        found = best_recipes(SPACE, History(earlier=trials), 3)
        assert [one.learning_rate for one in found] == [0.01, 0.5, 0.01]
        assert {one.epochs for one in found} == {32}
        assert best_recipes(SPACE, History(earlier=trials), 0) == []


class TestBelief:
    def test_lengths_are_a_column_of_their_own(self):
        points = np.array([[0.2, 0.4], [0.2, 0.4]])
        assert Features(SPACE).of(points).shape == (2, 2)
        lengths = Features(SPACE, lengths=True)
        assert lengths.of(points, [32, 320])[:, -1].tolist() == [0.0, 1.0]
        assert lengths.of(points)[:, -1].tolist() == [0.0, 0.0]
        assert lengths.groups.tolist() == [0, 1, 2]

    def test_it_knows_good_recipes_from_bad_ones_before_it_has_trials_of_its_own(self):
        own = (
            Trial(
                0,
                SPACE.baseline,
                0,
                "paused",
                curves=Curves(metrics={"val_loss": tuple(bowl(SPACE.baseline, e) for e in (1, 2))}),
            ),
        )
        history = History(own, earlier=before())
        belief = Belief.of(SPACE, history, FreezeThaw().rungs(32), np.random.default_rng(0))
        good, bad = (SPACE.baseline.replace({"learning_rate": r}) for r in (0.01, 0.9))
        points = np.array([SPACE.encode(one) for one in (good, bad)])
        asked = Inputs(belief.features.of(points), np.array([1.0, 1.0]), np.array([-1, -2]))
        means, _ = belief.process.at(asked)
        assert means[0] < means[1] - 0.5

    def test_the_best_is_one_of_its_own(self):
        own = replace(trained(0, 32, 32, learning_rate=0.5), number=0)
        history = History((own,), earlier=before())
        belief = Belief.of(SPACE, history, FreezeThaw().rungs(32), np.random.default_rng(0))
        assert belief.best == 0.0  # nothing of its own is better than the middle of all
        lowest = min(history.loss(trial) for trial in history.earlier)
        assert lowest < 0.5 * history.loss(own)


class TestFollowing:
    def test_half_of_the_first_batch_is_what_was_best_before(self):
        [(_, steps)] = simulate(Following(FreezeThaw(), before()), SPACE, decisions=1)
        wanted = best_recipes(SPACE, History(earlier=before()), 2)
        assert [step.recipe for step in steps[:3]] == [SPACE.baseline, *wanted]

    def test_a_search_that_goes_on_is_ahead_of_one_that_begins(self):
        def regret(strategy, seed):
            history, _ = simulate(strategy, SPACE, decisions=40, seed=seed, epochs=3 * 32)[-1]
            return history.loss(history.best)

        seeds = range(4)
        goes_on = [regret(Following(FreezeThaw(), before()), seed) for seed in seeds]
        begins = [regret(FreezeThaw(), seed) for seed in seeds]
        assert np.mean(goes_on) < np.mean(begins)

    def test_without_earlier_trials_nothing_changes(self):
        seen = simulate(FreezeThaw(), SPACE, decisions=6)
        assert simulate(Following(FreezeThaw(), ()), SPACE, decisions=6)[-1][1] == seen[-1][1]

    def test_a_strategy_without_a_use_for_them_leaves_them(self):
        seen = simulate(Random(), SPACE, decisions=3)
        assert simulate(Following(Random(), before()), SPACE, decisions=3)[-1][1] == seen[-1][1]

    def test_scores_that_were_not_traded_are_left_out(self):
        trials = before(3)
        assert isinstance(search.for_goals("freeze_thaw", (), (), trials), Following)
        goal = Goal("parameters", "minimize")
        assert not isinstance(search.for_goals("freeze_thaw", (goal,), (), trials), Following)
