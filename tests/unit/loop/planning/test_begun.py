"""The first phase of a search: a look at twice the rate, where the budget affords it."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import luthier
from luthier.core import (
    Categorical,
    Conditional,
    Edit,
    Float,
    LuthierError,
    Recipe,
    Space,
    StudyRecord,
)
from luthier.loop.planning.begun import CURES, affordable_look, concluded
from luthier.loop.planning.stabilise import Stability
from luthier.loop.working.budget import Budget, looked

RECIPE = Recipe(learning_rate=0.1)
RECORD = StudyRecord("s", "rmse", "minimize", Space({"learning_rate": Float(1e-4, 1.0)}, RECIPE))
UNSTABLE = "unstable at twice the rate 0.1: the loss is not a number at step 3"


def seen(recipe: Recipe = RECIPE, *said: str, stable: bool = True, **options: Any) -> Stability:
    return Stability(recipe, stable, said or (UNSTABLE,), 900, **options)


class TestAffordable:
    @pytest.mark.parametrize(
        ("budget", "steps"),
        [
            (Budget(epochs=600), None),  # ten trainings
            (Budget(epochs=1800), 495),
            (Budget(trials=24), None),
            (Budget(trials=25), 495),
            (Budget(trials=25, epochs=600), None),
            (Budget(seconds=30), None),
            (Budget(seconds=60), 495),  # it ends when its share of the time is over
        ],
    )
    def test_it_costs_a_hundredth_of_a_budget_at_most(self, budget, steps):
        look = affordable_look(budget, updates=33, full=60)
        assert (None if look is None else look.steps) == steps

    def test_a_long_training_is_looked_at_for_five_hundred_steps(self):
        look = affordable_look(Budget(seconds=600), updates=1000, full=60)
        assert (look.steps, look.seconds) == (500, 6.0)

    def test_a_training_of_few_steps_shows_nothing(self):
        assert affordable_look(Budget(trials=1000), updates=1, full=60) is None


class TestConcluded:
    def test_what_is_stable_is_told_and_left_alone(self):
        found = concluded(RECORD, seen(RECIPE, "stable for 500 steps"), 15, given=False)
        assert found.space == RECORD.space
        assert found.about["look"] == {"said": "stable for 500 steps", "epochs": 15}
        assert looked(found.about) == 15

    def test_the_search_begins_with_what_helps(self):
        clipped = RECIPE.replace({"clip_norm": 2.0})
        look = seen(clipped, UNSTABLE, "warm-up of 10 steps: x", "gradients clipped at 2: stable")
        found = concluded(RECORD, look, 15, given=False)
        assert found.space.baseline == clipped
        assert found.about["look"]["said"] == (
            f"{UNSTABLE}; gradients clipped at 2: stable: the search began with it"
        )

    @pytest.mark.parametrize(
        ("change", "domain"),
        [
            ({"clip_norm": 2.0}, Categorical(None, 2.0)),
            ({"warmup": 0.05}, Float(0.0, 0.2, likely=(0.025, 0.1))),
        ],
    )
    def test_a_recipe_of_the_users_stays_and_the_search_varies_what_helps(self, change, domain):
        look = seen(RECIPE.replace(change), UNSTABLE, "it: stable")
        found = concluded(RECORD, look, 15, given=True)
        assert found.space.baseline == RECIPE
        assert found.space.parameters == {**RECORD.space.parameters, next(iter(change)): domain}
        assert "yours and stays" in found.about["look"]["said"]

    @pytest.mark.parametrize("optimizer", [None, "sgd"])
    def test_a_lower_rate_is_the_second_trial(self, optimizer):
        rates = Float(1e-4, 1.0, log=True)
        case = Conditional("optimizer", {"sgd": rates, "adam": rates}) if optimizer else rates
        start = RECIPE.replace({"optimizer": optimizer}) if optimizer else RECIPE
        record = replace(RECORD, space=Space({"learning_rate": case}, start))
        look = seen(start.replace({"learning_rate": 0.05}), UNSTABLE, "a rate of 0.05: stable")
        space = concluded(record, look, 15, given=True).space
        assert space.baseline == start
        assert space.middle().learning_rate == pytest.approx(0.05)

    def test_a_change_to_the_network_is_told(self):
        edit = Edit("zero_residual", "Let each residual block begin as the identity", ())
        look = seen(RECIPE, UNSTABLE, "a rate of 0.1: x", stable=False, edit=edit)
        said = concluded(RECORD, look, 15, given=False).about["look"]["said"]
        assert "nothing that was tried helped" in said
        assert "let each residual block begin as the identity" in said


SHORT = {"epochs": 7, "batch_size": 8}  # a look of 22 steps, two epochs, from 175 epochs on


class TestStudies:
    def tune(self, build: Any = "mlp", **options: Any) -> Any:
        given = {"data": "wine", "storage": "sqlite://", "engine": "torch_eager", **options}
        given.setdefault("strategy", "random")
        return luthier.tune(build, **given)

    def test_a_small_budget_has_none(self):
        assert "look" not in self.tune(budget="40 epochs").record.about

    def test_what_it_took_is_part_of_the_budget_and_a_study_that_goes_on_looks_no_more(
        self, tmp_path
    ):
        options = {"recipe": {**SHORT, "model": {"width": 8}}}
        options["storage"] = f"sqlite:///{tmp_path}/s.db"
        first = self.tune(budget="180 epochs", **options)
        took = looked(first.record.about)
        assert took >= 1
        assert first.history.epochs + took == 180
        study = self.tune(budget="190 epochs", **options)
        assert study.record.about["look"] == first.record.about["look"]
        assert study.history.epochs + took == study.summary.epochs_spent == 190
        assert any("at twice the rate" in note for note in study.summary.notes)

    def test_ranges_of_the_users_are_not_added_to(self):
        space = {"learning_rate": Float(1e-3, 1e-1, log=True)}
        study = self.tune(budget="180 epochs", recipe=SHORT, space=space)
        assert "look" not in study.record.about

    def test_an_unstable_start_is_held_and_cannot_cost_more_than_a_few_looks(self):
        def deep(n_features: int, n_outputs: int) -> torch.nn.Module:
            layers = [torch.nn.Linear(n_features, 32)]
            for _ in range(6):
                layers += [torch.nn.ReLU(), torch.nn.Linear(32, 32)]
            return torch.nn.Sequential(*layers, torch.nn.Linear(32, n_outputs))

        recipe = {**SHORT, "optimizer": "sgd", "learning_rate": 9.0, "warmup": 0.0}
        study = self.tune(deep, budget="180 epochs", recipe=recipe)
        said = study.record.about["look"]["said"]
        assert said.startswith("unstable at twice the rate 9: ")
        assert looked(study.record.about) <= 2 * (CURES + 1)
        assert study.record.space.baseline.learning_rate == 9.0

    def test_a_network_that_cannot_be_trained_fails_as_a_trial_not_before(self):
        def broken(n_features: int, n_outputs: int) -> torch.nn.Module:
            class Broken(torch.nn.Module):
                def __init__(self) -> None:
                    super().__init__()
                    self.linear = torch.nn.Linear(n_features, n_outputs)

                def forward(self, x: torch.Tensor) -> torch.Tensor:
                    if self.training:
                        raise RuntimeError("not today")
                    return self.linear(x)

            return Broken()

        with pytest.raises(LuthierError, match="not today"):
            self.tune(broken, budget="180 epochs", recipe=SHORT)
