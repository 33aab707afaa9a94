"""A recipe is a value: equal, hashed, changed and stored as one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import Recipe

rates = st.floats(1e-6, 10.0)
models = st.dictionaries(
    st.sampled_from(["width", "depth", "bias", "kind"]),
    st.one_of(st.none(), st.booleans(), st.integers(0, 512), st.floats(0, 1), st.text(max_size=4)),
)
recipes = st.builds(
    Recipe,
    model=models,
    optimizer=st.sampled_from(["adamw", "sgd"]),
    learning_rate=rates,
    milestones=st.sampled_from([(0.5,), (0.25, 0.75)]),
    batch_size=st.one_of(st.integers(1, 512), st.just("full")),
    dropout=st.one_of(st.none(), st.floats(0, 0.9)),
    clip_norm=st.one_of(st.none(), st.integers(1, 5), st.floats(0.1, 5)),
)


class TestIdentity:
    def test_the_order_of_arguments_does_not_matter(self):
        one, other = Recipe(model={"a": 1, "b": 2}), Recipe(model={"b": 2, "a": 1})
        assert one == other
        assert one.identity == other.identity

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Recipe(learning_rate=1), Recipe(learning_rate=1.0)),
            (Recipe(model={"scale": 2}), Recipe(model={"scale": 2.0})),
            (Recipe(l1=0.0), Recipe(l1=-0.0)),
        ],
    )
    def test_a_whole_number_is_the_same_with_and_without_a_point(self, one: Recipe, other: Recipe):
        assert one == other
        assert one.identity == other.identity
        assert len({one, other}) == 1

    def test_true_and_one_are_equal_as_python_has_it_and_hash_alike(self):
        one, other = Recipe(model={"bias": True}), Recipe(model={"bias": 1})
        assert one == other
        assert hash(one) == hash(other)

    @given(recipes, recipes)
    def test_equal_recipes_and_only_they_differ_in_nothing(self, one: Recipe, other: Recipe):
        # An argument that is not set and one that is None read the same.
        one, other = (
            r.replace({"model": {k: v for k, v in r.model.items() if v is not None}})
            for r in (one, other)
        )
        assert (one == other) == (not one.difference(other))

    @given(recipes)
    def test_a_changed_value_changes_it(self, recipe: Recipe):
        changed = recipe.replace({"learning_rate": recipe.learning_rate * 2})
        assert changed.identity != recipe.identity


class TestReplace:
    def test_keys_and_arguments_change_together(self):
        recipe = Recipe(model={"width": 64, "depth": 2})
        changed = recipe.replace({"learning_rate": 0.1, "model.width": 32})
        assert changed.difference(recipe) == {
            "learning_rate": (0.1, 1e-3),
            "model.width": (32, 64),
        }
        assert recipe == Recipe(model={"width": 64, "depth": 2})

    def test_arguments_may_be_replaced_as_a_whole_and_one_by_one_at_once(self):
        recipe = Recipe(model={"width": 64})
        assert recipe.replace({"model": {"depth": 1}, "model.kind": "a"}).model == {
            "depth": 1,
            "kind": "a",
        }

    def test_an_unknown_key_is_refused(self):
        with pytest.raises(TypeError, match="learnin_rate"):
            Recipe().replace({"learnin_rate": 0.1})

    def test_what_was_passed_can_change_without_changing_the_recipe(self):
        arguments = {"width": 64}
        recipe = Recipe(model=arguments)
        arguments["width"] = 1
        assert recipe.get("model.width") == 64


class TestGet:
    def test_an_argument_that_is_not_set_is_none(self):
        assert Recipe().get("model.width") is None

    def test_a_key_that_does_not_exist_is_an_error(self):
        with pytest.raises(AttributeError, match="widht"):
            Recipe().get("widht")

    def test_has_knows_keys_and_every_argument(self):
        recipe = Recipe()
        assert recipe.has("learning_rate")
        assert recipe.has("model.anything")
        assert not recipe.has("identity")
        assert not recipe.has("widht")


class TestJson:
    @given(recipes)
    def test_a_recipe_survives_json(self, recipe: Recipe):
        again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
        assert again == recipe
        assert again.identity == recipe.identity

    def test_every_key_is_written_out_beside_the_version(self):
        data = Recipe(model={"b": 1, "a": 2}).to_json()
        assert data["version"] == 1
        keys = set(Recipe.__dataclass_fields__)
        assert set(data) - {"version"} == keys - {"changes"}  # which most recipes have none of
        changing = Recipe(changes=[{"after": 3, "l2": 0.1}])
        assert set(changing.to_json()) - {"version"} == keys
        assert Recipe.from_json(changing.to_json()) == changing
        assert list(data["model"]) == ["a", "b"]

    def test_milestones_are_a_tuple_again(self):
        assert Recipe(milestones=[0.25, 0.5]).milestones == (0.25, 0.5)
