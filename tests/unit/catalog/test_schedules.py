import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs

from luthier.catalog import schedules
from luthier.catalog.schedules import ALL, Progress, learning_rate
from luthier.core import Recipe

BASE, TOTAL = 0.3, 240

CASES = {
    "constant": ({}, lambda o: theirs.ConstantLR(o, factor=1.0)),
    "step": ({"gamma": 0.3, "step_size": 0.25}, lambda o: theirs.StepLR(o, 60, 0.3)),
    "multi_step": (
        {"gamma": 0.2, "milestones": (0.25, 0.75)},
        lambda o: theirs.MultiStepLR(o, [60, 180], 0.2),
    ),
    "exponential": ({"gamma": 0.01}, lambda o: theirs.ExponentialLR(o, 0.01 ** (1 / TOTAL))),
    "polynomial": ({"power": 1.5}, lambda o: theirs.PolynomialLR(o, TOTAL, 1.5)),
    "linear": ({"end_factor": 0.1}, lambda o: theirs.LinearLR(o, 1.0, 0.1, TOTAL)),
    "cosine": (
        {"end_factor": 0.1},
        lambda o: theirs.CosineAnnealingLR(o, TOTAL, eta_min=0.1 * BASE),
    ),
    "cosine_restarts": (
        {"cycles": 4, "end_factor": 0.1},
        lambda o: theirs.CosineAnnealingWarmRestarts(o, TOTAL // 4, eta_min=0.1 * BASE),
    ),
    "one_cycle": ({"peak": 0.25}, lambda o: theirs.OneCycleLR(o, BASE, TOTAL, pct_start=0.25)),
}


def rates_of_torch(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], BASE)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def rates_of_ours(recipe, total=TOTAL):
    return [learning_rate(recipe, Progress(step, total, 10)) for step in range(total)]


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_those_of_torch(name):
    keys, make = CASES[name]
    recipe = Recipe(schedule=name, learning_rate=BASE, **keys)
    assert rates_of_ours(recipe) == pytest.approx(rates_of_torch(make, TOTAL), rel=0, abs=1e-10)


@pytest.mark.parametrize("name", [n for n in CASES if n != "one_cycle"])
def test_warmup_is_linear_and_then_the_schedule_runs_over_what_remains(name):
    keys, make = CASES[name]
    warm = 60

    def sequential(optimizer):
        first = theirs.LinearLR(optimizer, 1 / warm, 1.0, warm - 1)
        return theirs.SequentialLR(optimizer, [first, make(optimizer)], [warm])

    recipe = Recipe(schedule=name, learning_rate=BASE, warmup=0.2, **keys)
    ours = rates_of_ours(recipe, TOTAL + warm)
    assert ours == pytest.approx(rates_of_torch(sequential, TOTAL + warm), rel=0, abs=1e-10)


def test_warmup_leads_to_where_one_cycle_starts():
    recipe = Recipe(schedule="one_cycle", learning_rate=1.0, warmup=0.1)
    rates = rates_of_ours(recipe)
    assert rates[23] == pytest.approx(1 / 25)
    assert max(rates) <= 1.0


def test_inverse_sqrt_is_the_formula_of_its_paper():
    warm = 24
    recipe = Recipe(schedule="inverse_sqrt", learning_rate=BASE, warmup=0.1)
    paper = [min((s + 1) ** -0.5, (s + 1) * warm**-1.5) * warm**0.5 for s in range(TOTAL)]
    assert rates_of_ours(recipe) == pytest.approx([BASE * f for f in paper], abs=1e-12)


def test_warmup_stable_decay_is_constant_and_then_linear():
    recipe = Recipe(
        schedule="warmup_stable_decay", learning_rate=BASE, decay_share=0.25, end_factor=0.1
    )

    def sequential(optimizer):
        stable = theirs.ConstantLR(optimizer, 1.0)
        decay = theirs.LinearLR(optimizer, 1.0, 0.1, 60)
        return theirs.SequentialLR(optimizer, [stable, decay], [180])

    assert rates_of_ours(recipe) == pytest.approx(rates_of_torch(sequential, TOTAL), abs=1e-10)


@given(
    st.lists(st.floats(0.0, 2.0) | st.just(math.nan) | st.just(math.inf), max_size=60),
    st.integers(0, 4),
)
def test_plateau_decays_when_torch_does(losses, patience):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], BASE)
    scheduler = theirs.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, eps=0.0)
    recipe = Recipe(schedule="plateau", learning_rate=BASE, gamma=0.5, plateau_patience=patience)
    for epoch, loss in enumerate(losses, start=1):
        scheduler.step(loss)
        progress = Progress(epoch * 5, 500, 5, losses[:epoch])
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate(recipe, progress) == pytest.approx(expected, rel=0, abs=1e-10)


RECIPES = st.builds(
    Recipe,
    learning_rate=st.floats(1e-6, 10),
    warmup=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    gamma=st.floats(0.01, 1.0),
    step_size=st.floats(0.001, 1.0),
    end_factor=st.floats(0.0, 1.0),
    power=st.floats(0.5, 4.0),
    cycles=st.integers(1, 20),
    peak=st.floats(0.0, 1.0),
    decay_share=st.floats(0.0, 1.0),
)


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: s.name)
class TestLaws:
    @given(recipe=RECIPES, total=st.integers(1, 300), at=st.floats(0.0, 1.0))
    def test_lies_between_zero_and_the_recipes_rate(self, schedule, recipe, total, at):
        recipe = recipe.replace({"schedule": schedule.name})
        for step in (0, round(at * (total - 1)), total - 1):
            rate = learning_rate(recipe, Progress(step, total, 7, (1.0, 0.9, 1.1)))
            assert 0 <= rate <= recipe.learning_rate * (1 + 1e-12)
            assert rate == learning_rate(recipe, Progress(step, total, 7, (1.0, 0.9, 1.1)))

    def test_means_the_same_for_any_number_of_epochs(self, schedule):
        recipe = Recipe(schedule=schedule.name, learning_rate=BASE, warmup=0.1)
        short, long = rates_of_ours(recipe, 600), rates_of_ours(recipe, 6000)
        for at in (0.05, 0.2, 0.4, 0.6, 0.95):
            a, b = short[int(at * 600)], long[int(at * 6000)]
            assert a == pytest.approx(b, abs=0.02 * BASE)

    def test_reads_only_the_keys_it_names(self, schedule):
        others = {
            "gamma": 0.7,
            "step_size": 0.1,
            "milestones": (0.2, 0.4),
            "end_factor": 0.5,
            "power": 3.0,
            "cycles": 7,
            "peak": 0.6,
            "decay_share": 0.9,
            "plateau_patience": 1,
        }
        unread = {k: v for k, v in others.items() if k not in schedule.keys}
        plain = Recipe(schedule=schedule.name)
        losses = (1.0,) * 30
        for step in range(0, 300, 13):
            progress = Progress(step, 300, 10, losses)
            assert learning_rate(plain, progress) == learning_rate(plain.replace(unread), progress)


def test_every_schedule_is_compared_with_a_reference():
    assert {s.name for s in ALL} == {*CASES, "inverse_sqrt", "warmup_stable_decay", "plateau"}


def test_an_unknown_name_is_explained():
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        schedules.by_name("cosin")
