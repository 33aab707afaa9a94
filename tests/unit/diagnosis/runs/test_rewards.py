"""Agents: their losses tell little, their rewards tell which way training goes."""

import numpy as np
import pytest

from luthier.core import Curves, Run
from luthier.diagnosis.run import wrong_gradient_sign

N = 120
TIME = np.arange(N)
FALLS = 20 - 28 * (1 - np.exp(-TIME / 15))


def found(values, name="reward", seed=0, noise=1.0):
    noisy = values + noise * np.random.default_rng(seed).normal(size=len(values))
    return wrong_gradient_sign(Run(Curves(metrics={name: tuple(noisy)})))


@pytest.mark.parametrize("name", ["reward", "mean_reward", "eval/episode_return", "win_rate"])
def test_a_reward_that_training_brings_down_is_found(name):
    warned = found(FALLS, name)
    assert warned.severity == "warning"
    assert f"brings the {name} down" in warned.summary


@pytest.mark.parametrize(
    "values",
    [-FALLS, np.where(TIME < 60, FALLS, 25.0), np.where(TIME < 20, 40 + TIME, FALLS), FALLS[:10]],
    ids=["rises", "falls and rises", "rises and collapses", "too short to tell"],
)
def test_other_courses_are_none_of_its_business(values):
    assert found(values) is None


def test_a_reward_that_nothing_moves_gets_no_alarm():
    assert [seed for seed in range(300) if found(np.zeros(N), seed=seed)] == []


def test_a_loss_that_falls_is_no_reward():
    assert found(FALLS, "policy_loss") is None
