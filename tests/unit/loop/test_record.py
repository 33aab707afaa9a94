"""A study that begins takes defaults of its budget; one that goes on keeps what it began with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luthier.catalog.nuisance import NUISANCE
from luthier.core import (
    Categorical,
    Conditional,
    Float,
    Int,
    Recipe,
    SpaceError,
    StudyMismatchError,
    StudyRecord,
)
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.record import study_name, study_record
from luthier.loop.working.budget import Budget
from luthier.storage import connect


@pytest.fixture(scope="module")
def small(data: Any) -> Assembly:
    """The same data and builder as `large`, under a small budget."""
    return assemble("mlp", data, budget=Budget(epochs=30))


@pytest.fixture(scope="module")
def large(data: Any) -> Assembly:
    return assemble("mlp", data, budget=Budget(epochs=3000))


def record(parts: Assembly, stored: StudyRecord | None = None, **options: Any) -> StudyRecord:
    given = {"recipe": None, "space": None, "budget": Budget(epochs=30), "seed": 0, **options}
    return study_record(parts, "study", stored=stored, **given)


class TestBeginning:
    def test_it_takes_the_recipe_of_its_parts(self, small: Assembly):
        assert record(small).space.baseline == small.recipe

    def test_what_a_changed_batch_size_makes_stale_is_a_space_of_its_own(self, large: Assembly):
        options = {"recipe": {"batch_size": 64}, "budget": Budget(epochs=3000)}
        whole = record(large, **options).space.parameters
        stale = record(large, space="nuisance", **options)
        names = set(stale.space.parameters)
        assert {"learning_rate", "momentum", "weight_decay", "dropout"} <= names
        assert names == {name for name in whole if name in NUISANCE}
        assert stale.about["grows"]
        again = record(large, stored=stale, space="nuisance", **{**options, "budget": Budget()})
        assert again.space.parameters == stale.space.parameters

    def test_a_larger_budget_varies_more(self, small: Assembly, large: Assembly):
        few, many = (
            record(small).space.parameters,
            record(large, budget=Budget(epochs=3000)).space.parameters,
        )
        assert few.keys() < many.keys()

    @pytest.mark.parametrize(
        ("data", "recipe", "choices"),
        [
            ("digits", None, ("minmax", "quantile")),
            ("digits", {"preprocessing": "standard"}, ("standard", "minmax", "quantile")),
            ("wine", None, ("standard", "minmax", "quantile")),
        ],
    )
    def test_columns_that_share_a_scale_are_not_standardised(
        self, data: str, recipe: dict[str, str] | None, choices: tuple[str, ...]
    ):
        budget = Budget(epochs=3000)
        found = record(assemble("mlp", data, recipe=recipe, budget=budget), budget=budget)
        assert found.space.parameters["preprocessing"] == Categorical(*choices)

    def test_a_space_that_is_given_is_the_space(self, small: Assembly):
        space = {"learning_rate": Float(1e-3, 1e-2)}
        assert record(small, space=space).space.parameters == space

    def test_a_space_may_be_a_file(self, small: Assembly, tmp_path: Path):
        path = tmp_path / "space.yaml"
        path.write_text("model.width: {int: [8, 64], log: true}\n")
        assert record(small, space=str(path)).space.parameters == {
            "model.width": Int(8, 64, log=True)
        }

    def test_it_says_what_it_is_about(self, parts: Assembly):
        made = record(parts, space={})
        assert made.about["task"] == "classification"
        assert made.about["model"].endswith(":network")
        assert (made.metric, made.direction) == ("log_loss", "minimize")
        assert made.builder == parts.build.hash


class TestGoingOn:
    def test_with_a_larger_budget_it_keeps_the_defaults_it_began_with(self, small, large):
        begun = record(small)
        going = record(large, stored=begun, budget=Budget(epochs=3000))
        assert begun.differences(going) == []
        assert begun.differences(record(large, budget=Budget(epochs=3000))) != []

    def test_what_is_asked_for_in_words_is_completed_by_what_it_began_with(self, small, large):
        begun = record(small)
        rate = {"learning_rate": begun.space.baseline.learning_rate}
        assert begun.differences(record(large, stored=begun, recipe=rate)) == []

    @pytest.mark.parametrize(
        ("asked", "difference"),
        [
            ({"recipe": {"learning_rate": 0.5}}, "the start recipe differs in 'learning_rate'"),
            ({"recipe": Recipe(epochs=77)}, "the start recipe differs in 'epochs'"),
            ({"space": {"l1": Float(0, 1)}}, "the space differs in 'l1'"),
            ({"seed": 5}, "the seed differs (0 then, 5 now)"),
        ],
        ids=["recipe keys", "whole recipe", "space", "seed"],
    )
    def test_what_is_asked_for_and_differs_is_refused(self, small, asked: dict, difference: str):
        storage = connect("sqlite://")
        begun = storage.open(record(small))
        with pytest.raises(StudyMismatchError) as raised:
            storage.open(record(small, stored=begun, **asked))
        assert difference in str(raised.value)
        assert "or name another: `--study study-2`" in str(raised.value)

    def test_other_data_is_refused(self, small: Assembly, data: Any):
        begun = record(small)
        x, y = data
        other = assemble("mlp", (x + 1, y), budget=Budget(epochs=30))
        (phrase,) = begun.differences(record(other, stored=begun))
        assert phrase.startswith("the data differs (fingerprint ")

    def test_another_builder_is_refused(self, small: Assembly):
        begun = record(small)
        other = replace(small, build=replace(small.build, source="changed"))
        (phrase,) = begun.differences(record(other, stored=begun))
        assert phrase.startswith("the builder differs (source ")


class TestSpace:
    @pytest.mark.parametrize(
        ("space", "text"),
        [
            ({"learnin_rate": Float(0, 1)}, "no recipe key 'learnin_rate'. Did you mean 'learni"),
            ({"epochs": Int(1, 9)}, "'epochs' cannot vary within a study"),
            ({"network": Categorical("mlp", "cnn")}, "'network' cannot vary within a study"),
            ({"milestones": Float(0, 1)}, "'milestones' cannot vary within a study"),
            (
                {"model.widht": Int(1, 9)},
                "mlp has no argument 'widht'. Did you mean 'width'? It has: width,",
            ),
            ({"l2": [0, 0.1]}, "l2: [0, 0.1] is no range. Write luthier.Categorical(...) for"),
            (
                {"l1": Conditional("schedul", {"step": Float(0, 1)})},
                "'l1' depends on 'schedul', which must",
            ),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_a_range_that_no_trial_could_follow_is_refused_at_once(self, small, space, text):
        with pytest.raises(SpaceError) as raised:
            record(small, space=space)
        assert text in str(raised.value)


class TestName:
    def test_it_is_made_of_data_and_model(self, small: Assembly, parts: Assembly):
        assert study_name(small, 0) == "data-mlp"
        assert study_name(parts, 0).startswith("data-")

    def test_another_seed_is_another_study(self, small: Assembly):
        assert study_name(small, 3) == "data-mlp-seed3"
