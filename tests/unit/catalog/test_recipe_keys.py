import dataclasses
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from luthier.catalog import optimizers
from luthier.catalog.recipe_keys import KEYS, check_recipe, key, read_recipe, write_recipe
from luthier.core import Recipe, RecipeError


def values(one):
    low = one.low + 1e-6 if one.above else one.low
    high = min(one.high, 1e6) - (1e-6 if one.below else 0)
    match one.kind:
        case "number":
            strategy = st.floats(low, high)
        case "integer":
            strategy = st.integers(int(low), int(high))
        case "numbers":
            share = st.floats(0.001, 0.999)
            strategy = st.sets(share, min_size=1, max_size=5).map(lambda s: tuple(sorted(s)))
        case "batch_size":
            strategy = st.integers(1, 10**6) | st.just("full")
        case "network":
            strategy = st.sampled_from(["net.py:build", "a/b.py:make#0123abcd"])
        case "model":
            plain = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.none()
            strategy = st.dictionaries(st.text(max_size=8), plain | st.text(max_size=8), max_size=4)
        case "choice":
            strategy = st.sampled_from(one.choices)
        case "changes":
            rates = st.floats(1e-6, 1.0)
            piece = st.dictionaries(st.sampled_from(["learning_rate", "l2"]), rates, min_size=1)
            strategy = st.dictionaries(st.integers(1, 99), piece, min_size=1, max_size=3).map(
                lambda pieces: tuple({"after": e, **pieces[e]} for e in sorted(pieces))
            )
    return strategy | st.none() if one.nullable else strategy


def consistent(recipe):
    regression = recipe.loss is not None and (recipe.class_weight or recipe.label_smoothing)
    mlp = recipe.network == "mlp" and (recipe.model or recipe.batch_size == 1)
    return not regression and not mlp


RECIPES = st.builds(Recipe, **{k.name: values(k) | st.just(k.default) for k in KEYS}).filter(
    consistent
)


def test_every_field_of_a_recipe_is_a_key_and_its_default_is_taken():
    assert {f.name for f in dataclasses.fields(Recipe)} == {k.name for k in KEYS}
    assert len(KEYS) == len({k.name for k in KEYS})
    assert check_recipe(Recipe()) == Recipe()
    assert check_recipe(Recipe()).identity == Recipe().identity


@pytest.mark.parametrize("one", KEYS, ids=lambda k: k.name)
def test_every_key_is_documented_and_its_example_is_right(one):
    assert one.doc.endswith(".")
    assert one.reason.endswith(".")
    recipe, _ = read_recipe(yaml.safe_load(one.example))
    assert recipe.get(one.name) is not None


@given(RECIPES)
def test_a_recipe_survives_its_file(recipe):
    text = yaml.safe_dump(write_recipe(recipe, {"seed": 1}), sort_keys=False)
    again, run = read_recipe(yaml.safe_load(text))
    assert again == recipe
    assert again.identity == recipe.identity
    assert run == {"seed": 1}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ("soon", "a list of"),
        ([{"learning_rate": 0.1}], "a list of"),
        ([{"after": 0, "learning_rate": 0.1}], "a list of"),
        ([{"after": 3}], "a list of"),
        ([{"after": 3, "l2": 0.1}, {"after": 3, "l2": 0.2}], "epochs rising"),
        ([{"after": 3, "batch_size": 8}], "'batch_size' cannot change within a training"),
        ([{"after": 3, "learning_rate": -1}], "learning_rate: got -1"),
    ],
)
def test_changes_that_cannot_be_are_told(changes, told):
    with pytest.raises(RecipeError, match=told):
        read_recipe({"changes": changes})


def test_a_recipe_without_changes_is_what_it_was_before_there_were_any():
    assert "changes" not in Recipe().to_json()
    assert Recipe(changes=[{"after": 2, "l2": 0.1}]).identity != Recipe().identity


@pytest.mark.parametrize("optimizer", [o.name for o in optimizers.ALL])
def test_a_file_that_names_an_optimizer_gets_its_usual_settings(optimizer):
    recipe, _ = read_recipe({"optimizer": optimizer})
    for name, value in optimizers.by_name(optimizer).usual.items():
        assert recipe.get(name) == (
            1e-3 if name == "learning_rate" and optimizer == "adamw" else value
        )
    kept, _ = read_recipe({"optimizer": optimizer}, base=recipe.replace({"learning_rate": 0.5}))
    assert kept.learning_rate == 0.5


def test_what_is_written_wins_over_what_is_usual():
    recipe, _ = read_recipe({"optimizer": "adadelta", "beta2": 0.95})
    assert (recipe.beta2, recipe.epsilon) == (0.95, 1e-6)


def test_keys_left_out_come_from_the_base():
    base = Recipe(network="cnn", model={"width": 8}, epochs=7)
    recipe, _ = read_recipe({"model.depth": 2, "dropout": 0.1}, base=base)
    assert recipe == Recipe(network="cnn", model={"width": 8, "depth": 2}, epochs=7, dropout=0.1)


def test_another_network_has_none_of_the_bases_arguments():
    base = Recipe(network="mlp", model={"width": 8})
    assert read_recipe({"network": "cnn"}, base=base)[0].model == {}
    assert read_recipe({"network": "cnn", "model.depth": 2}, base=base)[0].model == {"depth": 2}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("learning_rate: 1e-3", "learning_rate", 1e-3),
        ("learning_rate: 1", "learning_rate", 1.0),
        ("epochs: 1e2", "epochs", 100),
        ("epochs: 12.0", "epochs", 12),
        ("dropout: null", "dropout", None),
        ("dropout: none", "dropout", None),
        ("batch_size: full", "batch_size", "full"),
        ("batch_size: '64'", "batch_size", 64),
        ("preprocessing: none", "preprocessing", "none"),
        ("milestones: [0.3, 6e-1]", "milestones", (0.3, 0.6)),
        ("network: net.py:build", "network", "net.py:build"),
        ("network: nets/net.py:build#12ab", "network", "nets/net.py:build#12ab"),
        ("model: {width: 32, activation: gelu}", "model.activation", "gelu"),
        ("optimizer: gd", "optimizer", "sgd"),
        ("optimizer: gd\nbatch_size: full", "batch_size", "full"),
    ],
)
def test_what_a_file_may_say(text, name, value):
    read = read_recipe(yaml.safe_load(text))[0].get(name)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat: 1", "no recipe key 'learning_rat'. Did you mean 'learning_rate'?"),
        ("lr: 1", "Did you mean 'learning_rate'?"),
        ("width: 64", "argument of mlp, which stands below `model`"),
        ("model: {widht: 64}", "mlp has no argument 'widht'. Did you mean 'width'?"),
        ("model: 3", "a mapping"),
        ("model: {width: [1, 2]}", "plain values"),
        ("version: 2", "A newer luthier wrote it"),
        ("version: one", "Write `version: 1`"),
        ("optimizer: adamm", "Did you mean 'adam"),
        ("optimizer: gd\nbatch_size: 32", "got gd beside batch_size 32"),
        ("schedule: off", "got False"),
        ("learning_rate: 0", "a number above 0 to 100"),
        ("learning_rate: fast", "got 'fast'"),
        ("learning_rate: true", "got True"),
        ("learning_rate: .nan", "got nan"),
        ("learning_rate: null", "got None"),
        ("preprocessing: null", 'write "none"'),
        ("momentum: 1.0", "from 0 to below 1"),
        ("epochs: 1.5", "a whole number"),
        ("epochs: 0", "from 1"),
        ("batch_size: 0", 'a whole number from 1, or "full"'),
        ("batch_size: half", '"full"'),
        ("end_factor: 1.5", "from 0 to 1"),
        ("milestones: [0.7, 0.5]", "increasing numbers"),
        ("milestones: [0.7, 1.0]", "increasing numbers"),
        ("milestones: 0.5", "increasing numbers"),
        ("milestones: []", "increasing numbers"),
        ("network: mpl", "Did you mean 'mlp'?"),
        ("network: 3", "FILE.py:function"),
        ("loss: mse\nlabel_smoothing: 0.1", "for numbers"),
        ("loss: mse\nclass_weight: balanced", "Leave class_weight out"),
        ("batch_size: 1", "Write `model: {normalisation: layer}`"),
        ("run: 3", "It takes a mapping"),
        ("- a", "a recipe is a mapping"),
    ],
)
def test_what_a_file_may_not_say(text, message):
    with pytest.raises(RecipeError) as error:
        read_recipe(yaml.safe_load(text))
    assert message in str(error.value)


def test_a_recipe_made_in_python_is_checked_the_same_way():
    for wrong in (
        {"learning_rate": math.inf},
        {"optimizer": "gd"},
        {"schedule": "cosin"},
        {"milestones": (0.9, 0.1)},
        {"model": {"widht": 3}},
    ):
        with pytest.raises(RecipeError):
            check_recipe(Recipe(**wrong))
    assert check_recipe(Recipe(optimizer="gd", batch_size="full")).optimizer == "sgd"


def test_a_function_of_python_names_its_network_through_the_base():
    recipe = check_recipe(Recipe(network="build", model={"anything": 1}))
    with pytest.raises(RecipeError, match="It takes mlp, resnet"):
        read_recipe(write_recipe(recipe))
    assert read_recipe(write_recipe(recipe), base=Recipe(network="build"))[0] == recipe


def test_numbers_have_one_form_so_that_equal_recipes_have_equal_identities():
    assert check_recipe(Recipe(learning_rate=1, epochs=3.0)).identity == (
        check_recipe(Recipe(learning_rate=1.0, epochs=3)).identity
    )


def test_a_written_recipe_is_short():
    text = write_recipe(Recipe(optimizer="sgd"))
    assert "beta1" not in text
    assert "milestones" not in text
    assert "l1" not in text
    assert write_recipe(Recipe(beta1=0.8, optimizer="sgd"))["beta1"] == 0.8


def test_an_unknown_key_is_explained():
    with pytest.raises(RecipeError, match="Did you mean 'beta1'"):
        key("beta_1")
