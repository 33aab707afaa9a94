"""What is tried against what, and in which order."""

import pytest

from luthier.core import EDITS, PROBLEMS, Finding, Prescription, Recipe
from luthier.diagnosis.cures import (
    KNOWN,
    Cure,
    Patient,
    around,
    begun_again,
    cures,
    together,
    unusual,
)

PLAIN = Recipe()


def of(problem: str, recipe: Recipe = PLAIN, *, edits: tuple[str, ...] = (), **finding):
    return cures([Finding(problem, "error", "x", **finding)], Patient(recipe, edits))


@pytest.mark.parametrize("problem", KNOWN)
def test_every_problem_exists_and_every_cure_changes_something(problem: str):
    assert problem in PROBLEMS
    recipe = Recipe(optimizer="sgd", learning_rate=0.01)
    assert all(cure.on(recipe) != recipe for cure in of(problem, recipe))


def test_stability_is_cured_in_the_playbooks_order():
    found = of(
        "diverging",
        Recipe(optimizer="adam", learning_rate=0.1),
        edits=("normalise", "zero_residual"),
    )
    kinds = [cure.edit or next(iter(cure.settings)) for cure in found]
    assert kinds[:4] == ["warmup", "clip_norm", "normalise", "zero_residual"]
    assert set(kinds[4:]) == {"learning_rate"}


def test_what_a_rule_prescribes_comes_first():
    first = Prescription("Slower.", change={"learning_rate": (0.1, 0.004)})
    assert of("nan_loss", prescriptions=(first,))[0].settings == {"learning_rate": 0.004}


def test_what_a_finding_explains_is_cured_as_well():
    found = of("dead_units", consequences=("over_regularised",), recipe=Recipe(l2=1.0))
    assert {"l2": 0.0} in [cure.settings for cure in found]
    assert {cure.problem for cure in found} == {"dead_units"}


def test_an_edit_is_tried_only_where_it_is_safe():
    assert of("double_softmax") == []
    assert [c.edit for c in of("double_softmax", edits=("without_last_activation",))] == [
        "without_last_activation"
    ]


def test_edits_add_up():
    recipe = Cure("nan_loss", "", edit="normalise").on(Cure("nan_loss", "", edit="a").on(Recipe()))
    assert recipe.get(f"model.{EDITS}") == "a+normalise"


def test_a_rate_below_zero_is_turned_and_nothing_else():
    assert [c.settings for c in of("wrong_gradient_sign", Recipe(learning_rate=-0.1))] == [
        {"learning_rate": 0.1}
    ]


SEVERAL = [Finding(one, "error", "x") for one in ("wrong_output_activation", "over_regularised")]


def test_first_cures_of_several_findings_are_one_whose_parts_are_told_apart():
    patient = Patient(Recipe(l2=1.0), ("without_last_activation", "normalise"))
    both = together(SEVERAL, patient)
    assert (both.edit, dict(both.settings)) == ("without_last_activation", {"l2": 0.0})
    assert [part.problem for part in both.parts] == [one.problem for one in SEVERAL]
    alone = Patient(Recipe(l2=1.0))
    assert together(SEVERAL, alone) is None  # the edit is not safe, so one cure is all there is


def test_of_two_findings_that_change_the_same_the_first_one_does():
    low = Prescription("Raise it.", change={"learning_rate": (0.1, 0.4)})
    high = Prescription("Lower it.", change={"learning_rate": (0.1, 0.02)})
    found = [
        Finding("diverging", "error", "x", prescriptions=(high,)),
        Finding("learning_rate_too_low", "warning", "x", prescriptions=(low,)),
    ]
    assert together(found, Patient(Recipe(learning_rate=0.1))) is None


def test_a_sound_recipe_as_a_whole_keeps_the_edits_that_are_called_for():
    patient = Patient(PLAIN, ("without_last_activation", "normalise"))
    edits = {cure.edit for cure in begun_again(patient, "x", edits="without_last_activation")}
    assert edits == {"without_last_activation", "without_last_activation+normalise"}


def test_inputs_become_ranks_after_they_were_scaled():
    found = of("unscaled_inputs", Recipe(preprocessing="none"))
    assert [one.settings["preprocessing"] for one in found[:2]] == ["standard", "quantile"]
    assert of("unscaled_inputs", Recipe(preprocessing="quantile"))[0].settings == {
        "preprocessing": "standard"
    }


def test_a_rate_above_all_that_are_searched_is_only_lowered():
    rates = [
        cure.settings["learning_rate"]
        for cure in around(Patient(Recipe(optimizer="adam", learning_rate=1.0)), "x")
        if "learning_rate" in cure.settings
    ]
    assert rates == [0.32]


ODD = {
    "batch_size": ("full", 32),
    "momentum": (0.999, 0.9),
    "dropout": (0.7, 0.1),
    "l2": (0.1, 0.0),
    "weight_decay": (3.0, 0.01),
    "label_smoothing": (0.9, 0.0),
    "ema": (0.9999, None),
    "clip_norm": (0.001, 1.0),
    "model.activation": ("identity", "relu"),
}


@pytest.mark.parametrize("key", sorted(ODD))
def test_a_number_that_hardly_anyone_chooses_becomes_the_usual_one(key: str):
    odd, usual = ODD[key]
    patient = Patient(
        Recipe(optimizer="momentum", dropout=0.2, model={"activation": "tanh"}).replace({key: odd}),
        choices={"model.activation": ("relu", "tanh", "identity")},
    )
    [found] = unusual(patient)
    assert dict(found.settings) == {key: usual}


def test_several_unusual_things_are_treated_as_one_and_each_alone():
    recipe = Recipe(batch_size=1, preprocessing="none")
    patient = Patient(recipe, ("train_all", "redraw", "normalise"), outlying=True)
    every, *each = unusual(patient)
    assert [one.problem for one in each] == [
        "batch_too_small",
        "unscaled_inputs",
        "parameters_not_trained",
        "bad_initialisation",
    ]
    assert every.parts == tuple(each)
    after = every.on(recipe)
    assert (after.batch_size, after.preprocessing) == (32, "quantile")
    assert after.get(f"model.{EDITS}") == "train_all+redraw"
    assert unusual(Patient(after, patient.edits)) == []


def test_sigmoids_between_layers_become_relu():
    patient = Patient(Recipe(model={"activation": "sigmoid"}), ("relu_hidden", "normalise"))
    [found] = unusual(patient)
    assert (found.problem, found.edit) == ("saturated_units", "relu_hidden")
    assert unusual(Patient(found.on(patient.recipe), patient.edits)) == []
    assert unusual(Patient(Recipe(model={"activation": "tanh"}), ("relu_hidden",))) == []
