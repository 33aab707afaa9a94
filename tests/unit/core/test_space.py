"""Ranges map [0, 1] to values and back; a space maps points to recipes and back."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import (
    Categorical,
    Conditional,
    Domain,
    Float,
    Int,
    Recipe,
    Space,
    SpaceError,
    domain_from_json,
    domain_to_json,
)

units = st.floats(0.0, 1.0)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    if draw(st.booleans()):
        low = draw(st.floats(1e-9, 1e3))
        return Float(low, low * draw(st.floats(1.5, 1e6)), log=True)
    low = draw(st.floats(-1e6, 1e6))
    return Float(low, low + draw(st.floats(1e-3, 1e6)))


@st.composite
def ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -1000, 1000))
    step = draw(st.integers(1, 50))
    return Int(low, low + draw(st.integers(0, 5000)), log=log, step=step)


values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5))
choices = st.lists(values, min_size=1, max_size=8, unique_by=repr).map(lambda c: Categorical(*c))
plain = st.one_of(floats(), ints(), choices)
conditionals = st.builds(
    Conditional, st.just("optimizer"), st.dictionaries(st.text(max_size=5), plain, min_size=1)
)


class TestFloat:
    @given(floats(), units)
    def test_every_position_holds_a_value_of_the_range(self, domain: Float, unit: float):
        assert domain.at(unit) in domain

    @given(floats(), units)
    def test_a_value_lies_where_it_came_from_but_for_six_digits(self, domain: Float, unit: float):
        value = domain.at(unit)
        rounding = 1e-5 * max(abs(domain.low), abs(domain.high))
        assert domain.at(domain.unit(value)) == pytest.approx(value, abs=rounding, rel=2e-5)

    @given(floats(), units, units)
    def test_a_higher_position_holds_no_lower_value(self, domain: Float, a: float, b: float):
        low, high = sorted((a, b))
        assert domain.at(low) <= domain.at(high)

    @given(floats())
    def test_both_bounds_are_included(self, domain: Float):
        assert (domain.at(0.0), domain.at(1.0)) == pytest.approx((domain.low, domain.high), 1e-5)
        assert domain.low in domain
        assert domain.high in domain

    def test_a_logarithmic_range_spends_as_much_on_each_order_of_magnitude(self):
        domain = Float(1e-4, 1e-1, log=True)
        assert [domain.at(u / 3) for u in range(4)] == [1e-4, 1e-3, 1e-2, 1e-1]

    def test_values_have_six_digits_so_that_a_recipe_can_be_read(self):
        assert Float(0.0, 1.0).at(1 / 3) == 0.333333

    @pytest.mark.parametrize(("value", "unit"), [(-5, 0.0), (50, 1.0), (None, 0.0), (True, 1.0)])
    def test_a_value_outside_has_the_position_of_the_nearer_bound(self, value, unit):
        assert Float(0.0, 1.0).unit(value) == unit

    def test_a_range_of_one_value_is_a_range(self):
        assert Float(0.1, 0.1).at(0.7) == 0.1
        assert Float(0.1, 0.1).unit(0.1) == 0.5

    def test_text_lies_in_no_range(self):
        assert "0.5" not in Float(0.0, 1.0)


class TestInt:
    @given(ints(), units)
    def test_every_position_holds_a_value_of_the_range(self, domain: Int, unit: float):
        assert domain.at(unit) in domain

    @given(ints(), units)
    def test_a_value_lies_exactly_where_it_came_from(self, domain: Int, unit: float):
        value = domain.at(unit)
        assert domain.at(domain.unit(value)) == value

    @given(ints(), units, units)
    def test_a_higher_position_holds_no_lower_value(self, domain: Int, a: float, b: float):
        low, high = sorted((a, b))
        assert domain.at(low) <= domain.at(high)

    @given(ints())
    def test_the_lower_bound_and_the_last_step_are_included(self, domain: Int):
        last = domain.high - (domain.high - domain.low) % domain.step
        assert (domain.at(0.0), domain.at(1.0)) == (domain.low, last)

    def test_every_value_owns_an_equal_share(self):
        drawn = [Int(1, 4).at((i + 0.5) / 400) for i in range(400)]
        assert [drawn.count(value) for value in (1, 2, 3, 4)] == [100] * 4

    def test_steps_count_from_the_lower_bound(self):
        domain = Int(10, 31, step=10)
        assert {domain.at(i / 100) for i in range(101)} == {10, 20, 30}
        assert 25 not in domain

    def test_a_truth_value_and_a_float_are_no_whole_numbers(self):
        assert True not in Int(0, 4)
        assert 2.0 not in Int(0, 4)

    def test_a_value_outside_has_the_position_of_the_nearer_bound(self):
        domain = Int(1, 4)
        assert (domain.unit(-9), domain.unit(9)) == (domain.unit(1), domain.unit(4))


class TestCategorical:
    @given(choices)
    def test_every_choice_lies_where_it_came_from(self, domain: Categorical):
        for choice in domain.choices:
            found = domain.at(domain.unit(choice))
            assert found == choice
            assert type(found) is type(choice)

    @given(choices, units)
    def test_every_position_holds_a_choice(self, domain: Categorical, unit: float):
        assert domain.at(unit) in domain

    def test_one_and_true_are_different_choices(self):
        assert True not in Categorical(1, 2)
        assert Categorical(1, True).unit(True) == 0.75

    def test_an_unknown_value_lies_in_the_middle(self):
        assert Categorical("relu", "gelu").unit("tanh") == 0.5


class TestConditional:
    RATE = Conditional("optimizer", {"sgd": Float(0.1, 1.0), "adamw": Float(1e-3, 1e-2)})

    def test_the_range_follows_the_value_of_the_other_parameter(self):
        space = Space({"optimizer": Categorical("sgd", "adamw"), "learning_rate": self.RATE})
        assert space.decode([0.0, 1.0]).learning_rate == 1.0
        assert space.decode([1.0, 1.0]).learning_rate == 0.01

    def test_without_a_case_the_baselines_value_stays(self):
        space = Space(
            {"optimizer": Categorical("sgd", "lion"), "learning_rate": self.RATE},
            Recipe(learning_rate=7e-4),
        )
        assert space.decode([1.0, 0.9]).learning_rate == 7e-4
        assert space.encode(Recipe(optimizer="lion")) == (0.75, 0.5)

    def test_it_may_depend_on_a_key_that_is_fixed(self):
        space = Space({"learning_rate": self.RATE}, Recipe(optimizer="sgd"))
        assert space.decode([0.0]).learning_rate == 0.1

    def test_it_may_depend_on_an_argument_of_the_builder(self):
        depth = Conditional("model.kind", {"deep": Int(2, 4)})
        space = Space({"model.kind": Categorical("deep", "wide"), "model.depth": depth})
        assert space.decode([0.0, 1.0]).model == {"kind": "deep", "depth": 4}
        assert space.decode([1.0, 1.0]).model == {"kind": "wide"}


class TestSpace:
    SPACE = Space(
        {
            "optimizer": Categorical("adamw", "sgd", "lion"),
            "learning_rate": TestConditional.RATE,
            "dropout": Float(0.0, 0.5),
            "model.width": Int(16, 512, log=True),
        },
        Recipe(network="mlp", epochs=30, model={"depth": 2}),
    )

    @given(st.tuples(units, units, units, units))
    def test_a_recipe_lies_where_it_came_from(self, point):
        recipe = self.SPACE.decode(point)
        again = self.SPACE.decode(self.SPACE.encode(recipe))
        same = {name: (a, pytest.approx(b)) for name, (a, b) in recipe.difference(again).items()}
        assert all(a == b for a, b in same.values())

    @given(st.tuples(units, units, units, units))
    def test_what_may_not_vary_is_the_baselines(self, point):
        recipe = self.SPACE.decode(point)
        assert set(self.SPACE.baseline.difference(recipe)) <= set(self.SPACE.parameters)
        assert recipe.get("model.depth") == 2

    def test_the_baseline_itself_has_a_point(self):
        assert len(self.SPACE.encode(self.SPACE.baseline)) == self.SPACE.dimensions == 4

    def test_a_point_of_another_length_is_no_point(self):
        with pytest.raises(ValueError, match="shorter"):
            self.SPACE.decode([0.5])


class TestJson:
    @given(st.one_of(plain, conditionals))
    def test_a_range_survives_json(self, domain: Domain):
        text = json.dumps(domain_to_json(domain))
        assert domain_from_json("width", json.loads(text)) == domain

    @pytest.mark.parametrize(
        ("domain", "form"),
        [
            (Float(0.0, 0.5), {"float": [0.0, 0.5]}),
            (Int(8, 64, step=8), {"int": [8, 64], "step": 8}),
            (Int(8, 64, log=True), {"int": [8, 64], "log": True}),
            (Float(0, 1, likely=(0.1, 0.2)), {"float": [0, 1], "likely": [0.1, 0.2]}),
            (Int(1, 9, likely=(2, 3)), {"int": [1, 9], "likely": [2, 3]}),
            (Categorical("relu", None, 2), {"choices": ["relu", None, 2]}),
            (Categorical("a", "b", last=True), {"choices": ["a", "b"], "last": True}),
            (
                Conditional("optimizer", {"sgd": Float(0.1, 1.0)}),
                {"on": "optimizer", "cases": [["sgd", {"float": [0.1, 1.0]}]]},
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_the_forms(self, domain: Domain, form: dict):
        assert domain_to_json(domain) == form
        assert domain_from_json("x", form) == domain

    def test_a_person_writes_the_cases_as_a_mapping(self):
        form = {"on": "optimizer", "cases": {"sgd": {"float": [0.1, 1.0]}}}
        assert domain_from_json("x", form) == Conditional("optimizer", {"sgd": Float(0.1, 1.0)})


NESTED = {"on": "a", "cases": {"b": {"on": "c", "cases": {"d": {"int": [1, 2]}}}}}
MISTAKES: list[tuple[Callable[[], object], str]] = [
    (lambda: Float(0.0, 1.0, log=True), "`low > 0` must hold for `log=True`, but got low=0.0. Use"),
    (lambda: Int(0, 8, log=True), "`low > 0` must hold for `log=True`, but got low=0. Use Int("),
    (lambda: Float(2.0, 1.0), "`low <= high` must hold, but got low=2.0, high=1.0. Use Float("),
    (lambda: Float(0.0, float("inf")), "bounds must be finite, but got low=0.0, high=inf. Use"),
    (lambda: Float(float("nan"), 1.0), "bounds must be finite, but got low=nan, high=1.0. Use"),
    (lambda: Int(1, 8, step=0), "`step >= 1` must hold, but got step=0. Use Int(8, 64, step=8)"),
    (lambda: Float(0.0, 1.0, likely=(0.5, 2.0)), "`likely` must lie within the range 0.0 to 1.0"),
    (lambda: Categorical(), "a Categorical needs distinct choices, but got (). Use"),
    (lambda: Categorical("a", "a"), "needs distinct choices, but got ('a', 'a'). Use Categorical("),
    (lambda: Conditional("optimizer", {}), "a Conditional on 'optimizer' needs at least one case"),
    (
        lambda: Space({"dropout": Conditional("depth", {2: Float(0, 1)})}),
        "'dropout' depends on 'depth', which must stand before it in the space or be a key",
    ),
    (
        lambda: Space(
            {"dropout": Conditional("l1", {0.0: Float(0, 1)}), "l1": Categorical(0.0, 0.1)}
        ),
        "'dropout' depends on 'l1', which must stand before it",
    ),
    (lambda: domain_from_json("width", [1, 2]), "width: cannot read [1, 2] as a range. Write one"),
    (lambda: domain_from_json("width", {"int": [1]}), "width: cannot read {'int': [1]} as a range"),
    (
        lambda: domain_from_json("width", {"int": [1, 8], "steps": 2}),
        "width: unknown option 'steps' of a range",
    ),
    (lambda: domain_from_json("width", {"int": [8, 1]}), "width: `low <= high` must hold, but got"),
    (lambda: domain_from_json("rate", {"float": ["a", 1]}), "rate: cannot read {'float': ['a', 1]"),
    (lambda: domain_from_json("x", {"choices": []}), "x: a Categorical needs distinct choices"),
    (lambda: domain_from_json("x", NESTED), "a case of a Conditional must be a plain range"),
    (
        lambda: domain_from_json("rate", {"on": "a", "cases": {"sgd": {"int": [8, 1]}}}),
        "rate: sgd: `low <= high` must hold",
    ),
    (lambda: domain_from_json("x", {"on": "a", "cases": 3}), "x: cannot read {'on': 'a', 'cases'"),
]


@pytest.mark.parametrize(("mistake", "text"), MISTAKES, ids=[text[:40] for _, text in MISTAKES])
def test_a_mistake_is_answered_with_what_to_write(mistake: Callable[[], object], text: str):
    with pytest.raises(SpaceError) as raised:
        mistake()
    assert text in str(raised.value)


class TestLeaning:
    space = Space(
        {
            "optimizer": Categorical("adamw", "nesterov"),
            "momentum": Conditional("optimizer", {"nesterov": Float(0.8, 0.99)}),
            **{name: Float(0.0, 1.0) for name in ("dropout", "label_smoothing", "mixup", "l2")},
        },
        Recipe(optimizer="adamw", dropout=0.25),
    )

    def test_a_few_values_leave_the_baseline(self):
        rng = np.random.default_rng(0)
        kept = ("optimizer", "dropout", "label_smoothing", "mixup", "l2")
        changes = []
        for point in rng.random((400, self.space.dimensions)):
            recipe = self.space.decode(self.space.lean(point.tolist(), changes=1.5))
            changes.append(sum(recipe.get(k) != self.space.baseline.get(k) for k in kept))
        # Of 1.25 draws an eighth is an optimizer that comes out as it was.
        assert 0.9 < np.mean(changes) < 1.4
        assert min(changes) == 0

    def test_what_the_baseline_does_not_use_is_drawn(self):
        rng = np.random.default_rng(0)
        drawn = {
            self.space.lean(point.tolist())[1] for point in rng.random((20, self.space.dimensions))
        }
        assert len(drawn) == 20

    def test_a_small_space_is_looked_at_everywhere(self):
        space = Space({"dropout": Float(0.0, 1.0)}, Recipe(dropout=0.25))
        assert space.lean([0.75]) == (0.75,)
