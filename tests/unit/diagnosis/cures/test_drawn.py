"""Draws around a recipe that nothing known helps."""

import numpy as np
import pytest

from luthier.catalog import optimizers
from luthier.core import Recipe
from luthier.diagnosis.cures import Patient, drawn

GIVEN = Recipe(
    optimizer="momentum",
    learning_rate=0.3,
    l2=0.1,
    ema=0.999,
    preprocessing="none",
    schedule="step",
)
PATIENT = Patient(GIVEN, ("normalise", "redraw"))


def draws(patient: Patient = PATIENT, *, seed: int = 0, count: int = 200):
    return drawn(patient, "not_learning", count, np.random.default_rng(seed))


def test_the_same_generator_draws_the_same():
    assert draws(seed=3) == draws(seed=3) != draws(seed=4)


def test_rates_stay_within_what_is_searched_of_their_optimizer():
    for one in draws():
        after = one.on(GIVEN)
        known = optimizers.by_name(after.optimizer).learning_rates
        assert known.low <= after.learning_rate <= known.high


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("optimizer", {"momentum", "adamw"}),
        ("schedule", {"step", "cosine"}),
        ("preprocessing", {"none", "standard", "quantile"}),
        ("l2", {0.0, 0.1}),
        ("ema", {0.999, None}),
        ("clip_norm", {None, 1.0}),
    ],
)
def test_each_thing_that_cures_change_is_changed_now_and_then(key: str, values: set):
    assert {one.on(GIVEN).get(key) for one in draws()} == values


def test_what_cannot_be_changed_is_left():
    plain = Patient(Recipe(optimizer="adam", preprocessing="tokens"), tabular=False)
    for one in draws(plain):
        after = one.on(plain.recipe)
        assert (after.optimizer, after.preprocessing, one.edit) == ("adam", "tokens", "")
    assert {one.edit for one in draws()} == {"", "normalise", "redraw", "redraw+normalise"}
