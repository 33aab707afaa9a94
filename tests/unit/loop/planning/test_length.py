"""How long one training is belongs to a study as a whole."""

from typing import Any

import pytest

import luthier
from luthier.core import LuthierError
from luthier.loop.planning.length import LONGEST, SHORTEST, fitted_at, read_length
from luthier.loop.working.budget import looked


def tune(build: Any = "mlp", **options: Any) -> Any:
    given = {"data": "wine", "storage": "sqlite://", "engine": "torch_eager", **options}
    given.setdefault("strategy", "random")
    return luthier.tune(build, **given)


class TestReading:
    @pytest.mark.parametrize(("text", "length"), [("40", 40), (40, 40), ("fit", "fit")])
    def test_a_number_or_fit(self, text, length):
        assert read_length(text) == length

    @pytest.mark.parametrize("text", ["long", "0", -3, "1.5"])
    def test_anything_else_is_a_mistake(self, text):
        with pytest.raises(LuthierError, match="is no number of epochs"):
            read_length(text)


class TestFit:
    @pytest.mark.parametrize(
        ("losses", "epoch"),
        [
            ([1.0, 0.5, 0.2, 0.04], 3),  # a twentieth of what guessing loses is left
            ([2.0, 1.5, 1.2], None),  # it falls
            ([2.0, 1.5] + [1.4] * 30, 3),  # no more is to come
            ([2.0 * 0.97**e for e in range(60)], None),  # slowly, and still
            ([2.0, 1.5] + [1.4] * 10, None),  # too short to tell
        ],
    )
    def test_training_rows_are_fit_or_no_more_of_them_is_learnt(self, losses, epoch):
        assert fitted_at(losses, guess=4.0) == epoch


class TestStudies:
    def test_a_length_is_that_of_every_training(self):
        study = tune(budget="40 epochs", length=4, recipe={"dropout": 0.2})
        assert study.record.space.baseline.epochs == 4
        assert study.record.space.baseline.dropout == 0.2
        assert {t.recipe.epochs for t in study.trials} == {4}
        assert max(t.epochs for t in study.trials) == 4

    def test_what_finding_it_takes_is_part_of_the_budget(self):
        study = tune(budget="90 epochs", length="fit")
        took, epochs = looked(study.record.about), study.record.space.baseline.epochs
        assert SHORTEST <= epochs <= LONGEST * SHORTEST
        assert 0 < took < 90
        assert study.history.epochs + took == 90
        assert any(note.startswith("a training is") for note in study.summary.notes)

    def test_another_length_is_another_study_that_learns_from_the_first(self, tmp_path):
        options = {
            "storage": f"sqlite:///{tmp_path}/s.db", "study": "one", "strategy": "freeze_thaw",
        }  # fmt: skip
        first = tune(budget="24 epochs", length=4, **options)
        second = tune(budget="40 epochs", length=8, **options)
        assert (first.record.name, second.record.name) == ("one", "one-8")
        assert {t.recipe.epochs for t in second.trials} == {8}
        [note] = [note for note in second.summary.notes if "learns from" in note]
        assert "trials of 'one' with 4 epochs" in note
        best = min(first.trials, key=first.history.rank).recipe.replace({"epochs": 8})
        assert best in [t.recipe for t in second.trials[:3]]
        third = tune(budget="40 epochs", length=16, **options)
        assert third.record.about["earlier"] == ["one", "one-8"]

    def test_the_same_command_goes_on_with_the_same_length(self, tmp_path):
        options = {"storage": f"sqlite:///{tmp_path}/s.db", "study": "one"}
        tune(budget="8 epochs", length=4, **options)
        tune(budget="16 epochs", length=8, **options)
        again = tune(budget="24 epochs", length=8, **options)
        assert (again.record.name, again.history.epochs) == ("one-8", 24)
        again = tune(budget="16 epochs", **options)
        assert (again.record.name, again.record.space.baseline.epochs) == ("one", 4)

    def test_a_study_of_other_data_teaches_nothing(self, tmp_path):
        options = {"storage": f"sqlite:///{tmp_path}/s.db", "study": "one"}
        tune(budget="8 epochs", length=4, data="iris", **options)
        other = tune(budget="16 epochs", length=8, **options)
        assert other.record.about["earlier"] == []

    def test_an_objective_has_a_loop_of_its_own(self):
        with pytest.raises(LuthierError, match="decides how long it trains"):
            luthier.tune(lambda trial: 1.0, budget="1 trials", length=4)
