"""The model of curves: its gradient is right, it learns, and its scale is not bent."""

import math
from dataclasses import replace

import numpy as np
import pytest

from luthier.core import Categorical, Conditional, Curves, Float, History, Int, Recipe, Space, Trial
from luthier.search.surrogate.acquisition import log_time
from luthier.search.surrogate.features import Features
from luthier.search.surrogate.gaussian_process import GaussianProcess, fitted, hallucinated
from luthier.search.surrogate.kernel import SCALES, Inputs, Prior, covariance, evidence
from luthier.search.surrogate.observations import Scale, level, observations

GROUPS = np.array([0, 1, 1, 2])


def some(count: int, seed: int = 0) -> tuple[Inputs, np.ndarray]:
    """Return curves of a smooth function of recipe and time."""
    rng = np.random.default_rng(seed)
    recipes = rng.random((count // 2, 4))
    trial = np.repeat(np.arange(count // 2), 2)
    time = np.tile([0.3, 0.6], count // 2)
    values = 3 * (recipes[trial, 0] - 0.5) ** 2 - time + 0.02 * rng.normal(size=len(trial))
    return Inputs(recipes[trial], time, trial), (values - values.mean()) / values.std()


class TestKernel:
    def test_its_gradient_is_the_slope_of_the_evidence(self):
        seen, values = some(40)
        prior = Prior(GROUPS)
        theta = prior.mean + 0.1 * np.random.default_rng(1).normal(size=len(prior.mean))
        _, gradient = evidence(theta, GROUPS, prior, seen, values)
        for index, unit in enumerate(np.eye(len(theta))):
            up, down = (
                evidence(theta + sign * 1e-5 * unit, GROUPS, prior, seen, values)[0]
                for sign in (1, -1)
            )
            assert gradient[index] == pytest.approx((up - down) / 2e-5, abs=1e-4)

    def test_a_covariance_is_symmetric_and_positive(self):
        seen, _ = some(60)
        matrix = covariance(Prior(GROUPS).mean, GROUPS, seen, seen)
        assert np.allclose(matrix, matrix.T)
        assert np.linalg.eigvalsh(matrix).min() > -1e-8

    def test_a_space_without_parameters_has_a_kernel_of_time_alone(self):
        seen = Inputs(np.zeros((3, 0)), np.array([0.1, 0.5, 0.9]), np.array([0, 0, 1]))
        groups = np.zeros(0, np.intp)
        assert len(Prior(groups).mean) == SCALES
        assert covariance(Prior(groups).mean, groups, seen, seen).shape == (3, 3)


class TestProcess:
    def test_without_a_value_the_prior_is_all_that_is_known(self, capfd):
        nothing = Inputs(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
        theta = fitted(GROUPS, nothing, np.zeros(0), np.random.default_rng(0))
        assert theta == pytest.approx(Prior(GROUPS).mean)
        assert capfd.readouterr() == ("", "")  # LAPACK complains of empty matrices by itself

    def test_it_predicts_recipes_that_it_has_not_seen(self):
        seen, values = some(80)
        theta = fitted(GROUPS, seen, values, np.random.default_rng(0))
        process = GaussianProcess.given(theta, GROUPS, seen, values)
        x = np.random.default_rng(5).random((50, 4))
        asked = Inputs(x, np.full(50, 0.6), -1 - np.arange(50))
        mean, left = process.at(asked)
        truth = (x[:, 0] - 0.5) ** 2
        assert np.corrcoef(mean, truth)[0, 1] > 0.8
        jointly_mean, jointly = process.jointly(asked)
        assert np.allclose(mean, jointly_mean)
        assert np.allclose(left, np.diag(jointly), atol=1e-6)

    def test_it_is_surest_where_it_has_looked(self):
        seen, values = some(40)
        process = GaussianProcess.given(Prior(GROUPS).mean, GROUPS, seen, values)
        _, there = process.at(seen)
        _, elsewhere = process.at(replace(seen, x=1 - seen.x, trial=-1 - seen.trial))
        assert there.mean() < elsewhere.mean()

    def test_a_value_to_come_takes_away_doubt_as_a_value_seen_does(self):
        seen, values = some(40)
        theta = Prior(GROUPS).mean
        before = GaussianProcess.given(theta, GROUPS, seen[np.arange(39)], values[:39])
        after = GaussianProcess.given(theta, GROUPS, seen, values)
        _, left = before.jointly(seen[np.arange(30, 40)])
        _, known = after.jointly(seen[np.arange(30, 40)])
        assert np.allclose(hallucinated(left, 9, before.noise), known, atol=1e-3)

    def test_the_same_values_twice_are_no_obstacle(self):
        seen, values = some(20)
        twice = seen[np.tile(np.arange(20), 2)]
        process = GaussianProcess.given(Prior(GROUPS).mean, GROUPS, twice, np.tile(values, 2))
        assert np.isfinite(process.weights).all()


class TestObservations:
    def trial(self, number: int, *values: float, state: str = "paused") -> Trial:
        curves = Curves(metrics={"val_loss": values})
        return Trial(number, Recipe(), 0, state, curves=curves)

    def test_a_level_is_the_mean_of_the_last_quarter(self):
        one = self.trial(0, *range(8, 0, -1))
        assert level(History(), one, 8) == 1.5
        assert level(History(direction="maximize"), one, 8) == -1.5

    def test_a_failed_trial_is_infinitely_bad_at_its_last_rung(self):
        one = self.trial(0, 1.0, 2.0, math.nan, state="failed")
        (seen,) = observations(History((one,)), [2, 4, 8])
        assert (seen.epoch, seen.loss) == (2, math.inf)
        (seen,) = observations(History((self.trial(0, state="failed"),)), [2, 4, 8])
        assert (seen.epoch, seen.loss) == (1, math.inf)

    def test_those_that_went_far_are_kept_where_there_are_too_many(self):
        trials = [self.trial(n, *([1.0 + n] * (8 if n == 50 else 2))) for n in range(60)]
        seen = observations(History(tuple(trials)), [2, 4, 8], most=10)
        assert len(seen) == 10
        assert [one.epoch for one in seen if one.trial == 50] == [2, 4, 8]

    def test_a_trial_that_was_cut_short_between_rungs_counts_as_far_as_it_went(self):
        (early,) = observations(History((self.trial(0, 1.0),)), [2, 4])
        assert early.epoch == 1

    def test_one_wild_loss_changes_the_scale_of_the_others_little(self):
        usual = list(np.linspace(1.0, 2.0, 21))
        calm, wild = Scale.of(usual, usual), Scale.of([*usual, 1e12], [*usual, 1e12])
        gap = [float(np.diff(scale(np.array([1.0, 1.5])))[0]) for scale in (calm, wild)]
        assert gap[1] > 0.5 * gap[0]

    def test_a_failure_is_the_worst_and_finite(self):
        scale = Scale.of([1.0, 2.0, math.inf], [1.0, 2.0, math.inf])
        mapped = scale(np.array([1.0, 2.0, 1e300, math.inf]))
        assert np.isfinite(mapped).all()
        assert (np.diff(mapped) >= 0).all()

    def test_time_runs_from_the_first_epoch_to_the_last(self):
        assert log_time(np.array([1.0, 50.0]), 50).tolist() == [0.0, 1.0]


class TestFeatures:
    SPACE = Space(
        {
            "optimizer": Categorical("adamw", "momentum", "sgd"),
            "momentum": Conditional("optimizer", {"momentum": Float(0.8, 0.99)}),
            "model.depth": Int(1, 2),
        },
        Recipe(model={"depth": 1}),
    )

    def test_any_two_choices_are_one_apart(self):
        columns = Features(self.SPACE).of(np.array([[0.1, 0, 0], [0.5, 0.5, 0], [0.9, 0, 0]]))
        apart = ((columns[:, None, :3] - columns[None, :, :3]) ** 2).sum(-1)
        assert np.allclose(apart, 1 - np.eye(3))

    def test_what_is_inactive_makes_no_difference(self):
        first, other = Features(self.SPACE).of(np.array([[0.1, 0.2, 0.3], [0.1, 0.9, 0.3]]))
        assert (first == other).all()

    def test_points_of_one_recipe_are_one_point(self):
        first, other = Features(self.SPACE).of(np.array([[0.5, 0.5, 0.1], [0.4, 0.5, 0.4]]))
        assert np.allclose(first, other)

    def test_columns_agree_with_those_of_the_recipes_themselves(self):
        rng = np.random.default_rng(0)
        points = rng.random((50, 3))
        recipes = [self.SPACE.decode(point) for point in points.tolist()]
        again = np.array([self.SPACE.encode(recipe) for recipe in recipes])
        features = Features(self.SPACE)
        assert np.allclose(features.of(points), features.of(again), atol=1e-4)

    def test_each_parameter_has_one_length_scale(self):
        assert Features(self.SPACE).groups.tolist() == [0, 0, 0, 1, 2]
