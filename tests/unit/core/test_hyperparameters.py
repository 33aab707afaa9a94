"""`hp`, as KerasTuner documents it: https://keras.io/keras_tuner/api/hyperparameters/."""

import pytest

from luthier.core import Build, BuilderError, Categorical, Conditional, Float, Int, Task
from luthier.core.exploring import explore
from luthier.core.hyperparameters import HyperParameters, takes_hp

TASK = Task("classification", "log_loss", "minimize", (4,), 3)


def quick_start(hp):
    """The documentation's first example, its layers as a list."""
    layers = []
    if hp.Boolean("flatten", default=True):
        layers.append("flatten")
    for i in range(hp.Int("num_layers", 1, 3)):
        units = hp.Int(f"units_{i}", min_value=32, max_value=512, step=32)
        layers.append((units, hp.Choice("activation", ["relu", "tanh"])))
    if hp.Boolean("dropout"):
        layers.append(0.25)
    rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    return layers, rate


def conditional(hp):
    """The documentation's conditional hyperparameters."""
    kind = hp.Choice("model_type", ["linear", "wide"])
    with hp.conditional_scope("model_type", ["wide"]):
        if kind == "wide":
            return kind, hp.Int("width", 8, 64, step=8)
    return (kind, None)


class TestDefaults:
    def test_a_number_is_its_smallest_value(self):
        hp = HyperParameters()
        assert hp.Int("a", 3, 9) == 3
        assert hp.Float("b", 0.5, 1.0) == 0.5

    def test_a_choice_is_its_first_value_or_none(self):
        hp = HyperParameters()
        assert hp.Choice("a", [4, 5]) == 4
        assert hp.Choice("b", [4, None]) is None

    def test_a_boolean_is_false(self):
        assert HyperParameters().Boolean("a") is False

    def test_a_default_that_is_given_holds(self):
        hp = HyperParameters()
        assert hp.Int("a", 3, 9, default=5) == 5
        assert hp.Choice("b", ["x", "y"], default="y") == "y"


class TestValues:
    def test_what_was_chosen_is_returned(self):
        hp = HyperParameters({"a": 7, "b": True})
        assert (hp.Int("a", 3, 9), hp.Boolean("b"), hp.get("a"), "a" in hp) == (7, True, 7, True)

    def test_fixed_is_what_it_is(self):
        hp = HyperParameters({"a": 1})
        assert hp.Fixed("a", 5) == 5

    def test_a_step_makes_a_grid(self):
        hp = HyperParameters({"a": 0.36, "b": 50})
        assert hp.Float("a", 0.0, 1.0, step=0.25) == 0.25
        assert hp.Int("b", 8, 128, step=2, sampling="log") == 64

    def test_what_was_never_asked_for_is_missing(self):
        with pytest.raises(KeyError, match="does not exist"):
            HyperParameters().get("a")


class TestScopes:
    def test_a_name_scope_stands_before_the_name(self):
        hp = HyperParameters({"first/units": 16})
        with hp.name_scope("first"):
            assert hp.Int("units", 8, 32) == 16
            assert hp.get("units") == 16

    def test_what_is_inactive_is_none(self):
        hp = HyperParameters({"kind": "a"})
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            assert hp.Int("width", 8, 64) is None

    def test_a_parent_may_be_named_by_an_argument(self):
        hp = HyperParameters({"kind": "b"})
        hp.Choice("kind", ["a", "b"])
        assert hp.Int("width", 8, 64, parent_name="kind", parent_values=["b"]) == 8
        assert hp.Int("depth", 1, 4, parent_name="kind", parent_values=["a"]) is None


class TestExplore:
    def test_a_loop_over_layers_is_seen_to_its_end(self):
        parameters, defaults = explore(quick_start, "here")
        assert parameters["units_2"] == Int(32, 512, step=32)
        assert parameters["lr"] == Float(1e-4, 1e-2, log=True)
        assert parameters["activation"] == Categorical("relu", "tanh")
        assert defaults["flatten"] is True
        assert defaults["num_layers"] == 1

    def test_a_conditional_scope_is_a_conditional_range(self):
        parameters, _ = explore(conditional, "here")
        assert list(parameters) == ["model_type", "width"]
        assert parameters["width"] == Conditional("model_type", {"wide": Int(8, 64, step=8)})

    def test_scopes_in_scopes_are_found(self):
        def build(hp):
            hp.Choice("a", ["x", "y"])
            with hp.conditional_scope("a", "y"):
                hp.Choice("b", [1, 2])
                with hp.conditional_scope("b", 2):
                    hp.Float("c", 0.0, 1.0)

        parameters, _ = explore(build, "here")
        assert parameters["c"] == Conditional("b", {2: Float(0.0, 1.0)})

    def test_one_name_may_have_a_range_in_each_case(self):
        def build(hp):
            hp.Choice("optimizer", ["adam", "sgd"])
            with hp.conditional_scope("optimizer", ["adam"]):
                hp.Float("lr", 1e-4, 1e-2, sampling="log")
            with hp.conditional_scope("optimizer", ["sgd"]):
                hp.Float("lr", 1e-3, 1.0, sampling="log")

        parameters, _ = explore(build, "here")
        assert parameters["lr"].case("sgd") == Float(1e-3, 1.0, log=True)
        assert parameters["lr"].case("adam") == Float(1e-4, 1e-2, log=True)

    def test_a_builder_that_raises_is_the_users_mistake(self):
        with pytest.raises(BuilderError, match=r"here raised ZeroDivisionError"):
            explore(lambda hp: 1 / 0, "here")


class TestBuild:
    def test_it_is_a_builder_as_any_other(self):
        build = Build.read(quick_start, "net.py:build")
        layers, rate = build(TASK, {"num_layers": 2, "units_1": 64, "lr": 0.01})
        assert layers == ["flatten", (32, "relu"), (64, "relu")]
        assert rate == 0.01
        assert build.reserved == ()

    def test_a_builder_with_more_arguments_is_none_of_these(self):
        assert not takes_hp(lambda hp, n_outputs: None)
        assert not takes_hp(print)
        assert not takes_hp(None)


def test_a_value_with_which_the_builder_raises_is_said(caplog):
    def build(hp):
        if hp.Choice("kind", ["sound", "broken"]) == "broken":
            raise TypeError("no such layer")

    parameters, _ = explore(build, "net.py:build")
    assert set(parameters) == {"kind"}
    (said,) = caplog.messages
    assert "net.py:build raised TypeError: no such layer" in said
    assert "kind='broken'" in said
